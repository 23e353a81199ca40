//! Identifiers: an ordinary e-mail address is accepted, a normal form stays what it is, spellings that
//! Unicode holds equal are one, and neither a normal form nor a refusal shows the value. The first byte
//! chooses the type, the second the country, the rest is the value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use oubli_domain::identifier::{IdentifierType, NormalisedIdentifier, normalise};
use oubli_domain::{Code, Refusal};
use unicode_normalization::UnicodeNormalization;

const COUNTRIES: [Option<&str>; 8] = [
    None,
    Some("DE"),
    Some("FR"),
    Some("US"),
    Some("IT"),
    Some("AR"),
    Some("MX"),
    Some("not a country"),
];

fuzz_target!(|input: &[u8]| {
    let Some(([kind, country], value)) = input.split_first_chunk() else { return };
    an_ordinary_email_is_accepted(value);
    let Ok(value) = std::str::from_utf8(value) else { return };
    let kind = IdentifierType::ALL[usize::from(*kind) % IdentifierType::ALL.len()];
    let country = COUNTRIES[usize::from(*country) % COUNTRIES.len()];
    let normal = normalise(kind, value, country);
    spellings_agree(&normal, kind, value, country);
    match &normal {
        Ok(normal) => a_normal_form_stays_and_is_not_shown(normal, country),
        Err(refusal) => a_refusal_shows_nothing(refusal, value),
    }
});

/// One whose letters, digits and signs the input chooses: however it is written and whatever stands
/// around it, it is the same in lower case.
fn an_ordinary_email_is_accepted(input: &[u8]) {
    const SIGNS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+";
    let mut letters = input.iter().map(|byte| char::from(SIGNS[usize::from(*byte) % SIGNS.len()]));
    let local: String = letters.by_ref().take(60).collect();
    let domain: String = letters.take(60).filter(char::is_ascii_alphanumeric).collect();
    let email = format!("a{local}.b@a{domain}b.example.org");
    let normal = normalise(IdentifierType::Email, &format!(" {email}\n"), None);
    let normal = normal.expect("an ordinary address");
    assert_eq!(normal.value().expose(), &email.to_lowercase());
}

fn spellings_agree(
    normal: &Result<NormalisedIdentifier, Refusal>,
    kind: IdentifierType,
    value: &str,
    country: Option<&str>,
) {
    let composed: String = value.nfc().collect();
    let decomposed: String = value.nfd().collect();
    assert_eq!(normal.as_ref().ok(), normalise(kind, &composed, country).as_ref().ok());
    assert_eq!(normal.as_ref().ok(), normalise(kind, &decomposed, country).as_ref().ok());
}

fn a_normal_form_stays_and_is_not_shown(normal: &NormalisedIdentifier, country: Option<&str>) {
    let again = normalise(normal.kind(), normal.value().expose(), country);
    assert_eq!(again.as_ref(), Ok(normal));
    // In every country: a normal number is international.
    assert_eq!(normalise(normal.kind(), normal.value().expose(), None).as_ref(), Ok(normal));
    let shown =
        format!("NormalisedIdentifier {{ kind: {:?}, value: Pii(redacted) }}", normal.kind());
    assert_eq!(format!("{normal:?}"), shown);
}

fn a_refusal_shows_nothing(refusal: &Refusal, value: &str) {
    assert_eq!(refusal.code, Code::InvalidIdentifier);
    let detail = refusal.detail.as_deref().unwrap_or_default();
    // Its sentences are ours, in words of ASCII letters. A value of such words may stand in one by
    // chance, so only others tell: digits alone, characters beyond ASCII, and e-mail addresses.
    let foreign = value.chars().all(|c| c.is_ascii_digit() || !c.is_ascii());
    let is_address = value.split_once('@').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty());
    let telling = value.len() > 2 && (foreign || (is_address && !value.contains(['`', ' '])));
    assert!(!telling || !detail.contains(value));
}
