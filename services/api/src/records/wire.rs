//! How records look on the wire.

use oubli_app::records::{RecordKey, Written};
use oubli_domain::{Name, RecordId, Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::Input;

/// The path of a record.
#[derive(Deserialize)]
pub(crate) struct RecordPath {
    subject: SubjectId,
    category: Name,
    record: RecordId,
}

impl From<RecordPath> for RecordKey {
    fn from(path: RecordPath) -> Self {
        Self { subject: path.subject, category: path.category, record: path.record }
    }
}

/// A record's body: members as the category declares them in the data map.
#[derive(ToSchema)]
#[schema(value_type = Object, example = json!({"name": "Ada Lovelace", "city": "London"}))]
pub(crate) struct RecordBody(pub(crate) Value);

impl Input for RecordBody {
    fn read(value: Value) -> Result<Self, Refusal> {
        Ok(Self(value))
    }
}

/// A JSON Merge Patch (RFC 7396): members that are null go, others are set.
#[derive(ToSchema)]
#[schema(value_type = Object, example = json!({"city": "Paris", "phone": null}))]
pub(crate) struct MergePatch(pub(crate) Value);

impl Input for MergePatch {
    const MEDIA_TYPES: &'static [&'static str] = &["application/merge-patch+json"];

    fn read(value: Value) -> Result<Self, Refusal> {
        Ok(Self(value))
    }
}

/// What a write did.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrittenRecord {
    /// The version that the record has now; also its `ETag`.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Time,
}

impl From<Written> for WrittenRecord {
    fn from(written: Written) -> Self {
        Self { version: written.version, updated_at: written.updated_at }
    }
}
