//! How subjects and identifiers look on the wire.

use oubli_app::subjects::{Created, Found, NewIdentifier, SubjectSelector};
use oubli_domain::{Code, IdentifierId, IdentifierType, Pii, Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};

/// A value that finds a subject.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdentifierInput {
    /// `email`, `phone` or `external_id`.
    #[serde(rename = "type")]
    #[schema(value_type = String, pattern = "^(email|phone|external_id)$", example = "email")]
    kind: IdentifierType,
    /// As the person writes it; 1,024 bytes at most. Phone numbers without `+` are read as numbers
    /// of the app's country.
    #[schema(max_length = 1024, example = "ada@example.org")]
    value: String,
}

impl From<IdentifierInput> for NewIdentifier {
    fn from(input: IdentifierInput) -> Self {
        Self { kind: input.kind, value: Pii::new(input.value) }
    }
}

impl Input for IdentifierInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Names a subject: by `subject` or by `identifier`, one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubjectInput {
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds it.
    identifier: Option<IdentifierInput>,
}

impl SubjectInput {
    /// What is named.
    ///
    /// # Errors
    /// `invalid-body` unless it is exactly one of both.
    pub(crate) fn selector(self) -> Result<SubjectSelector, Refusal> {
        selector(self.subject, self.identifier)
    }
}

impl Input for SubjectInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// What is named by one of two members.
///
/// # Errors
/// `invalid-body` unless exactly one is there.
pub(crate) fn selector(
    subject: Option<SubjectId>,
    identifier: Option<IdentifierInput>,
) -> Result<SubjectSelector, Refusal> {
    match (subject, identifier) {
        (Some(id), None) => Ok(SubjectSelector::Id(id)),
        (None, Some(i)) => {
            Ok(SubjectSelector::Identifier { kind: i.kind, value: Pii::new(i.value) })
        }
        _ => {
            Err(Refusal::new(Code::InvalidBody).at("", "needs `subject` or `identifier`, not both"))
        }
    }
}

/// The identifiers of a subject that is to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSubject {
    /// What finds the person, 20 at most. May be left out on create.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub(crate) identifiers: Vec<IdentifierInput>,
}

impl NewSubject {
    pub(crate) fn identifiers(self) -> Vec<NewIdentifier> {
        self.identifiers.into_iter().map(NewIdentifier::from).collect()
    }
}

impl Input for NewSubject {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A subject that was created, or was there.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedSubject {
    /// Its id.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
}

impl From<Created> for CreatedSubject {
    fn from(created: Created) -> Self {
        Self { subject: created.subject, created_at: created.created_at }
    }
}

/// A subject. The values of its identifiers are personal data and are not shown here.
#[derive(Serialize, ToSchema)]
pub(crate) struct Subject {
    /// Its id.
    #[schema(value_type = String, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: SubjectId,
    /// `active` or `restricted`.
    #[schema(example = "active")]
    state: &'static str,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When the person last made contact; creation until then.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    last_contact: Time,
    /// Its identifiers.
    identifiers: Vec<Identifier>,
}

/// An identifier without its value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Identifier {
    /// Its id.
    #[schema(value_type = String, example = "idn_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    pub(crate) identifier: IdentifierId,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "email")]
    pub(crate) kind: IdentifierType,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Time,
}

impl From<Found> for Subject {
    fn from(found: Found) -> Self {
        Self {
            subject: found.subject,
            state: found.state.as_str(),
            created_at: found.created_at,
            last_contact: found.last_contact,
            identifiers: found
                .identifiers
                .into_iter()
                .map(|i| Identifier {
                    identifier: i.identifier,
                    kind: i.kind,
                    created_at: i.created_at,
                })
                .collect(),
        }
    }
}
