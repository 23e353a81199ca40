//! How holds look on the wire.

use oubli_app::holds::{HoldInfo, NewHold};
use oubli_domain::hold::{HoldScope, LegalGround, ReleaseReason};
use oubli_domain::{HoldId, Name, Pii, Refusal, RequestId, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, read_json};
use crate::subjects::wire::{IdentifierInput, selector};

/// A hold to be set. The person is named by `subject` or by `identifier`, one of both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldInput {
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds the subject.
    identifier: Option<IdentifierInput>,
    /// The category that it covers; the whole person when left out.
    #[schema(value_type = Option<String>, example = "invoice")]
    category: Option<Name>,
    /// The field of the category that it covers, a top-level member of its records; all of them when
    /// left out.
    #[schema(value_type = Option<String>, example = "total")]
    field: Option<Name>,
    /// `legal_claims` (Art. 17(3)(e)), `legal_obligation` or `authority_order` (17(3)(b)), or
    /// `public_interest` (17(3)(c) and (d)).
    #[schema(value_type = String, example = "legal_claims",
        pattern = "^(legal_claims|legal_obligation|authority_order|public_interest)$")]
    ground: LegalGround,
    /// The law or the file that it rests on, on one line. It stands in certificates: name nobody.
    #[schema(min_length = 1, max_length = 200, example = "Regional court, file 7 O 12/26")]
    legal_reference: String,
    /// What else there is to say. It is stored encrypted and goes with the person.
    #[schema(min_length = 1, max_length = 2000, example = "The invoice is disputed.")]
    note: Option<String>,
}

impl HoldInput {
    /// The hold that is meant.
    ///
    /// # Errors
    /// `invalid-body` unless the person is named in exactly one way.
    pub(super) fn hold(self) -> Result<NewHold, Refusal> {
        Ok(NewHold {
            subject: selector(self.subject, self.identifier)?,
            scope: HoldScope { category: self.category, field: self.field },
            ground: self.ground,
            legal_reference: self.legal_reference,
            note: self.note.map(Pii::new),
        })
    }
}

impl Input for HoldInput {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Whether a hold stands.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum HoldState {
    Standing,
    Released,
}

/// A legal hold.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "`hold` is what the API calls the id")]
pub(super) struct Hold {
    /// Its id.
    #[schema(value_type = String, example = "hld_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    pub(super) hold: HoldId,
    /// `standing` or `released`.
    #[schema(value_type = String, example = "standing")]
    state: HoldState,
    /// Whose data it holds; absent once the person was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// The erasure of which it kept something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "req_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    request: Option<RequestId>,
    /// The category that it covers; the whole person when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "invoice")]
    category: Option<Name>,
    /// The field that it covers; all of the category when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "total")]
    field: Option<Name>,
    /// `legal_claims`, `legal_obligation`, `authority_order` or `public_interest`.
    #[schema(value_type = String, example = "legal_claims")]
    ground: LegalGround,
    /// The law or the file that it rests on.
    #[schema(example = "Regional court, file 7 O 12/26")]
    legal_reference: String,
    /// What staff wrote about it. Only where one hold is asked for, and while the person is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "The invoice is disputed.")]
    note: Option<String>,
    /// When it was set.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    created_at: Time,
    /// Which member of staff set it.
    #[schema(example = "staff:usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    created_by: String,
    /// When it was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-03-15T12:00:00.000000Z")]
    released_at: Option<Time>,
    /// Which member of staff released it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "staff:usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    released_by: Option<String>,
    /// Why it was released: `ended`, `order_lifted` or `set_in_error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ended")]
    release_reason: Option<ReleaseReason>,
}

impl Hold {
    /// The hold with the note that goes with it.
    pub(super) fn with_note(info: HoldInfo, note: Option<&Pii<String>>) -> Self {
        Self { note: note.map(|note| note.expose().clone()), ..Self::from(info) }
    }
}

impl From<HoldInfo> for Hold {
    fn from(info: HoldInfo) -> Self {
        let standing = info.released_at.is_none();
        Self {
            hold: info.hold,
            state: if standing { HoldState::Standing } else { HoldState::Released },
            subject: info.subject,
            request: info.request,
            category: info.scope.category,
            field: info.scope.field,
            ground: info.ground,
            legal_reference: info.legal_reference,
            note: None,
            created_at: info.created_at,
            created_by: info.created_by,
            released_at: info.released_at,
            released_by: info.released_by,
            release_reason: info.release_reason,
        }
    }
}
