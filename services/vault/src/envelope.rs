//! Envelope encryption: what a data key seals, bound to the place where it belongs.
//!
//! The byte form stands in [`crate::aead`]. The associated data binds a ciphertext to its domain
//! label, app, owner, category, record, field, record version and key id, each length-prefixed:
//! a ciphertext that is copied to another row, field or person does not open there.

use oubli_domain::AppId;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::framing::Frame;
use crate::key_tree::{DataKey, KeyOwner};

/// What a ciphertext is. Kinds never open as one another.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Label {
    /// A field's value in a record: category, record, field and record version say which.
    Field,
    /// An identifier's value: `record` is the identifier's id, `category` its type.
    Identifier,
    /// The contact of a request, and the identifiers that its recipients need: `record` is the
    /// request's id, `field` says which.
    RequestContact,
    /// What a duty or hold keeps after an erasure: `record` is the kept item's id.
    KeptItem,
    /// The key of an export bundle: `record` is the export's id.
    Bundle,
    /// What stands beside a log leaf, never in it, such as text typed by people: `record` is the
    /// event's id.
    EventText,
    /// What staff wrote about a legal hold: `record` is the hold's id.
    HoldNote,
    /// What came with a consent event and tells of a choice: `record` is the event's id, `field`
    /// which signal.
    ConsentSignal,
}

impl Label {
    const fn domain(self) -> &'static str {
        match self {
            Self::Field => "oubli/field/v1",
            Self::Identifier => "oubli/identifier/v1",
            Self::RequestContact => "oubli/request-contact/v1",
            Self::KeptItem => "oubli/kept-item/v1",
            Self::Bundle => "oubli/bundle/v1",
            Self::EventText => "oubli/event-text/v1",
            Self::HoldNote => "oubli/hold-note/v1",
            Self::ConsentSignal => "oubli/consent-signal/v1",
        }
    }
}

/// Where a ciphertext belongs. Parts that a kind does not have are empty, or 0.
/// [`DataKey::field`] and [`DataKey::context`] fill in what the key knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldContext<'a> {
    /// What kind of ciphertext it is.
    pub label: Label,
    /// The app.
    pub app: &'a AppId,
    /// Whom the key belongs to; the subject, for a subject's data.
    pub owner: KeyOwner,
    /// The category of the record.
    pub category: &'a str,
    /// The id of the record, or of what [`Label`] says.
    pub record: &'a str,
    /// The field.
    pub field: &'a str,
    /// The version of the record that wrote this value.
    pub record_version: u64,
    /// The id of the data key.
    pub key_id: Uuid,
}

impl FieldContext<'_> {
    fn aad(&self) -> Frame {
        let frame = Frame::new(self.label.domain()).part(self.app.as_str().as_bytes());
        self.owner
            .frame(frame)
            .part(self.category.as_bytes())
            .part(self.record.as_bytes())
            .part(self.field.as_bytes())
            .part(&self.record_version.to_be_bytes())
            .part(self.key_id.as_bytes())
    }
}

impl DataKey {
    /// The context of a field's value under this key.
    #[must_use]
    pub fn field<'a>(
        &'a self,
        category: &'a str,
        record: &'a str,
        field: &'a str,
        record_version: u64,
    ) -> FieldContext<'a> {
        let context = self.context(Label::Field, category, record, field);
        FieldContext { record_version, ..context }
    }

    /// The context of another kind of ciphertext under this key; see [`Label`] for what its parts
    /// hold.
    #[must_use]
    pub fn context<'a>(
        &'a self,
        label: Label,
        category: &'a str,
        record: &'a str,
        field: &'a str,
    ) -> FieldContext<'a> {
        FieldContext {
            label,
            app: self.app(),
            owner: self.owner(),
            category,
            record,
            field,
            record_version: 0,
            key_id: self.id(),
        }
    }

    /// Encrypts `plaintext` for the place `context`; [`crate::aead::OVERHEAD_BYTES`] longer.
    ///
    /// # Errors
    /// `TooLong` above 64 GiB.
    pub fn seal(
        &self,
        context: &FieldContext<'_>,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.cipher().seal(self.version(), context.aad().as_bytes(), plaintext)
    }

    /// Decrypts what [`DataKey::seal`] made for the same place.
    ///
    /// # Errors
    /// `TooShort`, `UnknownVersion`, `UnknownAlgorithm` and `WrongKeyVersion` by the header;
    /// `Unauthentic` when a byte, the place or the key is another.
    pub fn open(
        &self,
        context: &FieldContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.cipher().open(self.version(), context.aad().as_bytes(), sealed)
    }
}
