//! How requests look on the wire.

use std::collections::{BTreeMap, BTreeSet};

use oubli_app::requests::{Accepted, Details, Export, NewRequest, Request as Row};
use oubli_domain::request::{self, RequestScope};
use oubli_domain::{ExportId, Name, Refusal, RequestId, Right, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};
use crate::kept_items::wire::KeptItem;
use crate::subjects::wire::{IdentifierInput, selector};

/// A request to be made. The person is named by `subject` or by `identifier`, one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestInput {
    /// `access` (Art. 15), `portability` (Art. 20) or `erasure` (Art. 17).
    #[schema(value_type = String, pattern = "^(access|portability|erasure)$", example = "access")]
    right: Right,
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds the subject.
    identifier: Option<IdentifierInput>,
    /// What it covers: the union of `purposes`, `categories` and `fields` (by category); everything
    /// when left out. An erasure always covers everything.
    #[serde(default)]
    #[schema(value_type = Scope, example = json!({"categories": ["profile"]}))]
    scope: RequestScope,
    /// When the controller received it, never in the future; now when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    received_at: Option<Time>,
}

/// What a request covers: the union of its parts; everything when it has none.
#[derive(ToSchema)]
#[expect(dead_code, reason = "stands for the domain's type in the OpenAPI document")]
struct Scope {
    /// Purposes: every field that they may read.
    #[schema(required = false)]
    purposes: BTreeSet<String>,
    /// Whole categories.
    #[schema(required = false)]
    categories: BTreeSet<String>,
    /// Single fields, by category.
    #[schema(required = false)]
    fields: BTreeMap<String, BTreeSet<String>>,
}

impl RequestInput {
    /// The request that is meant.
    ///
    /// # Errors
    /// `invalid-body` unless the person is named in exactly one way.
    pub(crate) fn request(self) -> Result<NewRequest, Refusal> {
        Ok(NewRequest {
            right: self.right,
            subject: selector(self.subject, self.identifier)?,
            scope: self.scope,
            received_at: self.received_at,
        })
    }
}

impl Input for RequestInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A request that was made; its job runs from now on.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedRequest {
    /// Its id.
    #[schema(value_type = String, example = "req_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    request: RequestId,
    /// What it asks for.
    #[schema(value_type = String, example = "access")]
    right: Right,
    /// `received`.
    #[schema(example = "received")]
    state: &'static str,
    /// When the controller received it.
    #[schema(value_type = String, format = DateTime)]
    received_at: Time,
    /// When the service learned of it. For an erasure this is the acknowledgement.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Accepted> for AcceptedRequest {
    fn from(made: Accepted) -> Self {
        Self {
            request: made.request,
            right: made.right,
            state: made.state.as_str(),
            received_at: made.received_at,
            created_at: made.created_at,
        }
    }
}

/// A request.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "`request` is what the API calls the id")]
pub(crate) struct Request {
    /// Its id.
    #[schema(value_type = String, example = "req_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    pub(crate) request: RequestId,
    /// Whose it is; absent once the person was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    subject: Option<SubjectId>,
    /// What is asked for.
    #[schema(value_type = String, example = "access")]
    right: Right,
    /// `received`, `running`, `completed`, `failed` or `cancelled`.
    #[schema(example = "completed")]
    state: &'static str,
    /// The last step that was done.
    #[schema(example = "ready")]
    step: &'static str,
    /// What it covers; everything when empty.
    #[schema(value_type = Scope)]
    scope: RequestScope,
    /// Why it failed or was cancelled: a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When the controller received it.
    #[schema(value_type = String, format = DateTime)]
    received_at: Time,
    /// When the service learned of it.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Which client or member of staff made it.
    #[schema(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    created_by: String,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
    /// When it was completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Time>,
    /// Whether there is a certificate. Only where one request is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<bool>,
    /// Its bundle, while it is there. Only where one request is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<RequestExport>,
}

/// The bundle of a request.
#[derive(Serialize, ToSchema)]
pub(crate) struct RequestExport {
    /// Its id.
    #[schema(value_type = String, example = "exp_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    export: ExportId,
    /// Whether it is whole.
    ready: bool,
    /// Bytes of the ZIP, once whole.
    bytes: i64,
    /// When it can no longer be downloaded.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Time,
}

impl From<Row> for Request {
    fn from(row: Row) -> Self {
        Self {
            request: row.request,
            subject: row.subject,
            right: row.right,
            state: row.state.as_str(),
            step: row.step.as_str(),
            scope: row.scope,
            reason: row.reason,
            received_at: row.received_at,
            created_at: row.created_at,
            created_by: row.created_by,
            updated_at: row.updated_at,
            completed_at: row.completed_at,
            certificate: None,
            export: None,
        }
    }
}

impl From<Details> for Request {
    fn from(details: Details) -> Self {
        Self {
            certificate: Some(details.certificate),
            export: details.export.map(RequestExport::from),
            ..Self::from(details.request)
        }
    }
}

impl From<Export> for RequestExport {
    fn from(row: Export) -> Self {
        Self { export: row.export, ready: row.ready, bytes: row.bytes, expires_at: row.expires_at }
    }
}

/// What an erasure would do now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Plan {
    /// The records that go, by category.
    erased: Vec<ErasedCategory>,
    /// What stays, why and until when.
    kept: Vec<KeptItem>,
    /// Rows about the person, by table.
    tables: BTreeMap<String, u64>,
}

/// The records of one category that go.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErasedCategory {
    /// The category.
    #[schema(value_type = String, example = "profile")]
    category: Name,
    /// How many.
    records: u64,
}

impl From<request::Plan> for Plan {
    fn from(plan: request::Plan) -> Self {
        let erased = plan.erased.into_iter();
        Self {
            erased: erased
                .map(|e| ErasedCategory { category: e.category, records: e.records })
                .collect(),
            kept: plan.kept.into_iter().map(KeptItem::from).collect(),
            tables: plan.tables,
        }
    }
}
