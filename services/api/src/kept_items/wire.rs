//! How what is kept looks on the wire.

use std::collections::BTreeSet;

use oubli_app::kept_items::Stored;
use oubli_domain::request::{self, Decider};
use oubli_domain::{Day, HoldId, KeptItemId, Name, RecordId, RequestId, Time};
use serde::Serialize;
use utoipa::ToSchema;

/// Fields of one record that stay.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptItem {
    /// The category.
    #[schema(value_type = String, example = "invoice")]
    category: Name,
    /// The record.
    #[schema(value_type = String, example = "2025-001")]
    record: RecordId,
    /// The fields that stay.
    #[schema(value_type = Vec<String>, example = json!(["total"]))]
    fields: BTreeSet<Name>,
    /// Who keeps them. They stay until the last of these has ended.
    kept_by: Vec<Keeper>,
    /// The last day; absent while one who keeps them has no known end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, example = "2035-12-31")]
    until: Option<Day>,
}

/// Who keeps something, and why.
#[derive(Serialize, ToSchema)]
struct Keeper {
    /// `hold` or `policy`.
    #[schema(example = "hold")]
    kind: &'static str,
    /// The hold that decided it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "hld_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    hold: Option<HoldId>,
    /// The SHA-256 digest of the plugin that decided it, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    plugin: Option<String>,
    /// Whether the policy failed: what it looked at stays until the DPO decides.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false, example = false)]
    failed: bool,
    /// The law or the file, as the hold or the rule names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Regional court, file 7 O 12/26")]
    legal_reference: Option<String>,
    /// The last day; absent for a hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date, example = "2035-12-31")]
    until: Option<Day>,
}

impl From<request::KeptItem> for KeptItem {
    fn from(item: request::KeptItem) -> Self {
        Self {
            until: item.until(),
            category: item.category,
            record: item.record,
            fields: item.fields,
            kept_by: item.kept_by.into_iter().map(Keeper::from).collect(),
        }
    }
}

impl From<request::Keeper> for Keeper {
    fn from(keeper: request::Keeper) -> Self {
        let request::Keeper { decider, legal_reference, until } = keeper;
        let (kind, hold, plugin, failed) = match decider {
            Decider::Hold { hold } => ("hold", Some(hold), None, false),
            Decider::Policy { plugin, failed } => ("policy", None, Some(plugin), failed),
        };
        Self { kind, hold, plugin, failed, legal_reference, until }
    }
}

/// A kept item of a person who was erased.
#[derive(Serialize, ToSchema)]
pub(super) struct StoredItem {
    /// Its id.
    #[schema(value_type = String, example = "kpt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    pub(super) item: KeptItemId,
    /// The erasure that kept it.
    #[schema(value_type = String, example = "req_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    request: RequestId,
    /// What it is, and who keeps it.
    #[serde(flatten)]
    kept: KeptItem,
    /// When it was kept.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    created_at: Time,
}

impl From<Stored> for StoredItem {
    fn from(stored: Stored) -> Self {
        let Stored { id, request, item, created_at } = stored;
        Self { item: id, request, kept: item.into(), created_at }
    }
}
