//! Identifiers: the values that find a subject, and the one form of each under which it is
//! indexed. Knows nothing of the index; the value as typed stays with the caller.

mod email;
mod phone;

use unicode_normalization::UnicodeNormalization;

use crate::pii::Pii;
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

/// The longest value accepted, in bytes of its NFC: the form in which it came makes no difference.
const MAX_VALUE: usize = 1024;

/// The longest external id, in characters.
const MAX_EXTERNAL_ID: usize = 255;

wire_enum! {
    /// What kind of value an identifier is.
    IdentifierType, "identifier type" {
        /// An e-mail address.
        Email = "email",
        /// A phone number.
        Phone = "phone",
        /// The id that the app has for the person, such as a customer number.
        ExternalId = "external_id",
    }
}

/// An identifier in the form in which it is compared and indexed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NormalisedIdentifier {
    kind: IdentifierType,
    value: Pii<String>,
}

impl NormalisedIdentifier {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> IdentifierType {
        self.kind
    }

    /// Its normal form.
    #[must_use]
    pub fn value(&self) -> &Pii<String> {
        &self.value
    }
}

/// Brings an identifier into the form under which it is found again: NFC without white space
/// around it, then
/// - e-mail: lower case throughout, the domain as IDNA ASCII (UTS #46), at most 64 bytes before
///   the `@` and 254 in all (RFC 5321, section 4.5.3.1);
/// - phone: E.164; a number without `+` is one of `country` (ISO 3166-1 alpha-2);
/// - external id: 1 to 255 characters as they are, none of them a control character.
///
/// Normalising a normal form changes nothing.
///
/// # Errors
/// `invalid-identifier` when the value is none of its type.
pub fn normalise(
    kind: IdentifierType,
    raw: &str,
    country: Option<&str>,
) -> Result<NormalisedIdentifier, Refusal> {
    let text: String = raw.nfc().collect();
    if text.len() > MAX_VALUE {
        return Err(invalid("It is too long."));
    }
    let text = text.trim();
    let value = match kind {
        IdentifierType::Email => email::normalise(text)?,
        IdentifierType::Phone => phone::normalise(text, country)?,
        IdentifierType::ExternalId => external_id(text)?,
    };
    Ok(NormalisedIdentifier { kind, value: Pii::new(value) })
}

/// Loads the numbering plans, which the first phone number would otherwise wait for. Call it once
/// while the service starts.
pub fn prepare() {
    phone::prepare();
}

fn external_id(text: &str) -> Result<String, Refusal> {
    let length = text.chars().count();
    if length == 0 || length > MAX_EXTERNAL_ID || text.chars().any(char::is_control) {
        return Err(invalid("An external id has 1 to 255 characters, none a control character."));
    }
    Ok(text.to_owned())
}

fn invalid(detail: &'static str) -> Refusal {
    Refusal::new(Code::InvalidIdentifier).detail(detail)
}

#[cfg(test)]
mod tests;
