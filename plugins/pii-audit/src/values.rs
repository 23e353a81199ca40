//! What a value holds: its texts are searched, however deep they stand.

use serde_json::Value;

use crate::kind::{Kind, Kinds};
use crate::numbers;

/// The longest candidate, in letters and digits: an IBAN.
const LONGEST: usize = 34;

/// The kinds of data in a value, given as JSON text; none when it is not JSON.
pub(crate) fn kinds(json: &str) -> Kinds {
    let mut found = Kinds::none();
    if let Ok(value) = serde_json::from_str(json) {
        search(&value, &mut found);
    }
    found
}

fn search(value: &Value, found: &mut Kinds) {
    match value {
        Value::String(text) => search_text(text, found),
        Value::Number(number) => search_text(&number.to_string(), found),
        Value::Array(values) => values.iter().for_each(|value| search(value, found)),
        Value::Object(members) => members.values().for_each(|value| search(value, found)),
        Value::Null | Value::Bool(_) => {}
    }
}

fn search_text(text: &str, found: &mut Kinds) {
    if has_email(text) {
        found.insert(Kind::Email);
    }
    for phrase in phrases(text) {
        if is_phone(&phrase) {
            found.insert(Kind::Phone);
        }
        for start in 0..phrase.words.len() {
            search_from(&phrase.words[start..], found);
        }
    }
}

/// Groups of letters and digits that stand together are tried as one number, whatever they are
/// grouped in.
fn search_from(words: &[&str], found: &mut Kinds) {
    let mut joined = String::new();
    for word in words {
        joined.push_str(word);
        if joined.len() > LONGEST {
            return;
        }
        if numbers::is_iban(&joined) {
            found.insert(Kind::Iban);
        }
        if numbers::is_nir(&joined) {
            found.insert(Kind::Nir);
        } else if numbers::is_card(&joined) {
            found.insert(Kind::Card);
        }
    }
}

/// Words of ASCII letters and digits with one separator between each.
struct Phrase<'t> {
    has_plus: bool,
    words: Vec<&'t str>,
}

fn phrases(text: &str) -> Vec<Phrase<'_>> {
    let mut phrases: Vec<Phrase<'_>> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (gap, word_and_rest) = rest.split_at(start);
        let end = word_and_rest.find(|c: char| !c.is_ascii_alphanumeric());
        let (word, after) = word_and_rest.split_at(end.unwrap_or(word_and_rest.len()));
        match phrases.last_mut().filter(|_| is_separator(gap)) {
            Some(phrase) => phrase.words.push(word),
            None => phrases.push(Phrase { has_plus: gap.ends_with('+'), words: vec![word] }),
        }
        rest = after;
    }
    phrases
}

fn is_separator(gap: &str) -> bool {
    matches!(gap, " " | "-" | "." | "/" | "\u{a0}" | "\u{202f}" | " (" | ") " | "(")
}

/// An international number of 8 to 15 digits (ITU-T E.164), or a French national one of 10 in pairs or
/// in one, as the whole phrase.
fn is_phone(phrase: &Phrase<'_>) -> bool {
    let digits = phrase.words.concat();
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    if phrase.has_plus {
        return (8..=15).contains(&digits.len()) && !digits.starts_with('0');
    }
    let is_grouped = phrase.words.len() == 1 || phrase.words.iter().all(|word| word.len() == 2);
    is_grouped && digits.len() == 10 && digits.starts_with('0') && !digits.starts_with("00")
}

/// A local part, `@`, and a domain with a dot and letters at its end (RFC 5321 in its usual form).
fn has_email(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let is_local = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
        let is_domain = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
        let local = text[..at].chars().next_back().is_some_and(is_local);
        let after = &text[at + 1..];
        let domain = &after[..after.find(|c| !is_domain(c)).unwrap_or(after.len())];
        let domain = domain.trim_end_matches(['.', '-']);
        let ends = domain.rsplit_once('.').is_some_and(|(name, top)| {
            !name.is_empty() && top.chars().count() >= 2 && top.chars().all(char::is_alphabetic)
        });
        local && ends
    })
}
