//! The normal form of phone numbers: E.164.

use phonenumber::country;
use phonenumber::metadata::DATABASE;

use super::invalid;
use crate::problem::Refusal;

/// Digits of an E.164 number, country code included: the shortest in use have 7.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Loads the crate's database.
pub(super) fn prepare() {
    let _ = DATABASE.by_id("FR");
}

/// Normalises a number that is NFC and trimmed. Letters and extensions are refused: two people
/// behind one switchboard are not one.
///
/// Whether the number is in use, or its range is known, makes no difference: numbering plans change
/// faster than any table of them.
pub(super) fn normalise(text: &str, country: Option<&str>) -> Result<String, Refusal> {
    let digits = digits(text)?;
    let international = if digits.starts_with('+') { digits } else { within(&digits, country)? };
    let number = e164(&international, None)?;
    // The table of prefixes may take a second zero off a number that is in no plan: such a number
    // has no one normal form.
    if e164(&number, None)? == number { Ok(number) } else { Err(not_a_number()) }
}

/// The digits after an optional `+`, without the marks that people set between them.
fn digits(text: &str) -> Result<String, Refusal> {
    let mut digits = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' => digits.push(c),
            '+' if digits.is_empty() => digits.push(c),
            '-' | '.' | '/' | '(' | ')' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
            c if c.is_whitespace() && !c.is_control() => {}
            _ => return Err(not_a_number()),
        }
    }
    // The crate's own bound comes later; what is longer than any dialled number goes no further.
    if digits.len() > 24 { Err(not_a_number()) } else { Ok(digits) }
}

/// A number as dialled in a country, in international form.
fn within(digits: &str, country: Option<&str>) -> Result<String, Refusal> {
    let country: country::Id = country
        .and_then(|c| c.parse().ok())
        .ok_or(invalid("A phone number without `+` needs the app's country."))?;
    // `00…` in most countries: what follows stands in the plan of another, whose own prefixes the
    // crate would take for ours.
    let abroad = DATABASE
        .by_id(country.as_ref())
        .and_then(|plan| plan.international_prefix())
        .and_then(|prefix| prefix.find(digits).filter(|found| found.start() == 0))
        .map(|found| found.end());
    match abroad {
        Some(end) => Ok(format!("+{}", &digits[end..])),
        None => e164(digits, Some(country)),
    }
}

fn e164(text: &str, country: Option<country::Id>) -> Result<String, Refusal> {
    let number = phonenumber::parse(country, text).map_err(|_| not_a_number())?;
    let text = format!("+{}{}", number.code().value(), number.national());
    if DIGITS.contains(&(text.len() - 1)) { Ok(text) } else { Err(not_a_number()) }
}

fn not_a_number() -> Refusal {
    invalid("It is not a phone number that can be dialled from abroad.")
}
