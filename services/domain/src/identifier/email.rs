//! The normal form of e-mail addresses.

use idna::AsciiDenyList;
use idna::uts46::{DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::invalid;
use crate::problem::Refusal;

/// RFC 5321, section 4.5.3.1.1.
const MAX_LOCAL: usize = 64;

/// RFC 5321, section 4.5.3.1.3, without the angle brackets.
const MAX_ADDRESS: usize = 254;

/// Normalises an address that is NFC and trimmed. Quoted local parts and addresses in brackets are
/// refused: nobody's mailbox needs them, and they have many spellings.
pub(super) fn normalise(text: &str) -> Result<String, Refusal> {
    let (local, domain) = text.split_once('@').ok_or(invalid("An e-mail address has an `@`."))?;
    if !is_usable(local) {
        return Err(invalid("The part before the `@` is not usable."));
    }
    // Lower-casing can leave combining marks in another order: back to NFC.
    let local: String = local.to_lowercase().nfc().collect();
    let domain = ascii_domain(domain)?;
    if local.len() > MAX_LOCAL || local.len() + 1 + domain.len() > MAX_ADDRESS {
        return Err(invalid("The e-mail address is too long."));
    }
    Ok(format!("{local}@{domain}"))
}

/// The domain in lower-case ASCII (UTS #46, `ToASCII`), with the lengths that DNS allows.
fn ascii_domain(domain: &str) -> Result<String, Refusal> {
    Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::Verify,
        )
        .map(|domain| domain.to_ascii_lowercase())
        .map_err(|_| invalid("The domain of the e-mail address is not valid."))
}

/// Whether a local part can be used without quotes: RFC 5322 atoms and dots, anything beyond ASCII
/// (RFC 6531) but characters that cannot be seen.
fn is_usable(local: &str) -> bool {
    !local.is_empty()
        && local.chars().all(|c| match c {
            '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | '\\' | ']' | '@' => false,
            _ => !c.is_whitespace() && !c.is_control() && !is_invisible(c),
        })
}

/// Characters that change nothing that a person sees, so that two addresses would look alike.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}
