//! How records look on the wire.

use oubli_app::reads::{OpenedIdentifier, OpenedPerson, OpenedRecord};
use oubli_app::records::{RecordKey, Written};
use oubli_domain::{IdentifierId, IdentifierType, Name, RecordId, Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
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

/// What a purpose reads of one person.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonRead {
    /// The subject's id.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// What finds the person, of the types that the purpose reads, oldest first. Absent when it was
    /// not asked for, or stood in the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    identifiers: Option<Vec<IdentifierRead>>,
    /// The records, by category and id.
    records: Vec<RecordRead>,
    /// Whether these are the last of the person's records: if not, the next answer has others.
    #[schema(example = true)]
    complete: bool,
}

/// An identifier with its value.
#[derive(Serialize, ToSchema)]
struct IdentifierRead {
    /// Its id.
    #[schema(value_type = String, example = "idn_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    identifier: IdentifierId,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "email")]
    kind: IdentifierType,
    /// As it was typed.
    #[schema(example = "ada@example.org")]
    value: String,
}

/// A record with the fields that the purpose reads.
#[derive(Serialize, ToSchema)]
struct RecordRead {
    /// Its category.
    #[schema(value_type = String, example = "profile")]
    category: Name,
    /// Its id.
    #[schema(value_type = String, example = "main")]
    record: RecordId,
    /// Its version.
    #[schema(minimum = 1, example = 1)]
    version: i64,
    /// When it was first put.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    created_at: Time,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    updated_at: Time,
    /// The fields.
    #[schema(value_type = Object, example = json!({"name": "Ada Lovelace"}))]
    body: Map<String, Value>,
}

impl From<OpenedPerson> for PersonRead {
    fn from(person: OpenedPerson) -> Self {
        let OpenedPerson { subject, identifiers, records, complete } = person;
        let identifiers =
            identifiers.map(|all| all.into_iter().map(IdentifierRead::from).collect());
        let records = records.into_iter().map(RecordRead::from).collect();
        Self { subject, identifiers, records, complete }
    }
}

impl From<OpenedIdentifier> for IdentifierRead {
    fn from(opened: OpenedIdentifier) -> Self {
        let OpenedIdentifier { identifier, kind, value } = opened;
        Self { identifier, kind, value: value.expose().clone() }
    }
}

impl From<OpenedRecord> for RecordRead {
    fn from(opened: OpenedRecord) -> Self {
        let OpenedRecord { category, record, version, created_at, updated_at, body } = opened;
        Self { category, record, version, created_at, updated_at, body }
    }
}
