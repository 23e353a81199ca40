//! How the deletion of an app looks on the wire.

use std::collections::BTreeMap;

use oubli_app::leaving;
use oubli_domain::{AppId, DeletionState, DeletionStep, Refusal, Time, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};

/// A proposal to delete an app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeletionProposal {
    /// The name of the app once more.
    #[schema(example = "shop")]
    pub(crate) confirm: String,
}

impl Input for DeletionProposal {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// The deletion of an app.
#[derive(Serialize, ToSchema)]
pub(crate) struct Deletion {
    /// The app.
    #[schema(value_type = String, example = "shop")]
    app: AppId,
    /// `proposed`, `expired`, `deleting` or `deleted`.
    #[schema(value_type = String, example = "proposed")]
    state: DeletionState,
    /// The last step that was done: `proposed`, `approved`, `journaled`, `data_deleted`,
    /// `keys_deleted`, `verified`, `certified`, `app_keys_deleted` or `deleted`.
    #[schema(value_type = String, example = "proposed")]
    step: DeletionStep,
    /// Which admin proposed it.
    #[schema(value_type = String, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    proposed_by: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00Z")]
    proposed_at: Time,
    /// Until when it can be approved: 7 days later.
    #[schema(value_type = String, format = DateTime, example = "2026-01-22T12:00:00Z")]
    expires_at: Time,
    /// Which other admin approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a1a")]
    approved_by: Option<UserId>,
    /// When: from then on nobody reached the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-16T09:30:00Z")]
    approved_at: Option<Time>,
    /// When it came to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-16T09:31:00Z")]
    completed_at: Option<Time>,
    /// The rows that will be destroyed, by table: those that are there now.
    #[schema(example = json!({ "subjects": 1200, "records": 5400, "subject_keys": 1200 }))]
    rows: BTreeMap<String, u64>,
    /// The rows that were destroyed so far, by table.
    #[schema(example = json!({}))]
    deleted: BTreeMap<String, u64>,
}

impl From<leaving::Deletion> for Deletion {
    fn from(deletion: leaving::Deletion) -> Self {
        Self {
            app: deletion.app,
            state: deletion.state,
            step: deletion.step,
            proposed_by: deletion.proposed_by,
            proposed_at: deletion.proposed_at,
            expires_at: deletion.expires_at,
            approved_by: deletion.approved_by,
            approved_at: deletion.approved_at,
            completed_at: deletion.completed_at,
            rows: deletion.rows,
            deleted: deletion.deleted,
        }
    }
}
