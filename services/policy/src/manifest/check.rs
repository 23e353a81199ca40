//! The bounds of a manifest.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hash::Hash;

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use super::{FORM, MAX_RULES, MAX_SCHEMA, Manifest, ManifestError, Rule};
use crate::text;

/// The largest compiled pattern of a settings schema.
const MAX_PATTERN: usize = 256 * 1024;

pub(super) fn member(member: &'static str, rule: &'static str) -> ManifestError {
    ManifestError::Member { member, rule }
}

fn ensure(holds: bool, of: &'static str, rule: &'static str) -> Result<(), ManifestError> {
    if holds { Ok(()) } else { Err(member(of, rule)) }
}

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    ensure(manifest.manifest == FORM, "manifest", "1")?;
    let name_rule = "a lower-case letter, then up to 62 lower-case letters, digits or `-`";
    ensure(is_word(&manifest.name, b"-"), "name", name_rule)?;
    ensure(is_version(&manifest.version), "version", "like 1.2.3 or 1.2.3-rc.1")?;
    ensure(is_line(&manifest.author, 200), "author", "1 to 200 bytes of text")?;
    ensure(is_line(&manifest.licence, 200), "licence", "1 to 200 bytes of text")?;
    let described = manifest.description.as_ref().is_none_or(|text| is_line(text, 1_000));
    ensure(described, "description", "1 to 1000 bytes of text")?;
    let interfaces = &manifest.interfaces;
    ensure(
        !interfaces.is_empty() && distinct(interfaces.iter()),
        "interfaces",
        "at least one interface, each once",
    )?;
    check_rules(manifest)?;
    check_values(manifest)?;
    ensure(
        settings_validator(&manifest.settings_schema).is_some(),
        "settings-schema",
        "a JSON Schema 2020-12 of at most 131072 bytes without references to elsewhere",
    )
}

fn check_rules(manifest: &Manifest) -> Result<(), ManifestError> {
    ensure(manifest.rules.len() <= MAX_RULES, "rules", "at most 1000 rules")?;
    manifest.rules.iter().try_for_each(check_rule)?;
    ensure(
        distinct(manifest.rules.iter().map(|rule| &rule.code)),
        "rules.code",
        "unlike that of every other rule",
    )?;
    let pointer = manifest.rules_from_settings.as_deref();
    ensure(
        pointer.is_none_or(|text| text.len() <= 200 && is_pointer(text)),
        "rules-from-settings",
        "a JSON pointer (RFC 6901) of at most 200 bytes",
    )?;
    ensure(
        pointer.is_some() || !manifest.rules.is_empty(),
        "rules",
        "at least one rule when none come from the settings",
    )
}

/// The bounds of one rule, of the manifest or of the settings.
pub(super) fn check_rule(rule: &Rule) -> Result<(), ManifestError> {
    ensure(
        is_word(&rule.code, b"-_."),
        "rules.code",
        "a lower-case letter, then up to 62 lower-case letters, digits, `-`, `_` or `.`",
    )?;
    ensure(is_line(&rule.title, 200), "rules.title", "1 to 200 bytes of text")?;
    let references = rule.legal_reference.iter().flat_map(|law| [&law.duration, &law.start]);
    ensure(
        references.flatten().all(|text| is_line(text, 500)),
        "rules.legal-reference",
        "1 to 500 bytes of text each",
    )
}

fn check_values(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(values) = &manifest.values else { return Ok(()) };
    ensure(
        (values.undeclared || !values.classifications.is_empty())
            && distinct(values.classifications.iter()),
        "values",
        "at least one classification, each once, or undeclared",
    )
}

/// Compiles the schema of settings, with patterns in linear time: it is the plugin's author's, and
/// is run in the host. None when it is too long, no schema, or refers to elsewhere.
pub(crate) fn settings_validator(schema: &Value) -> Option<Validator> {
    if json_length(schema) > MAX_SCHEMA || !jsonschema::draft202012::meta::is_valid(schema) {
        return None;
    }
    jsonschema::draft202012::options()
        .offline()
        .with_pattern_options(
            PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN),
        )
        .build(schema)
        .ok()
}

fn json_length(value: &Value) -> usize {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write!(text, "{value}");
    text.len()
}

fn is_word(text: &str, more: &[u8]) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || more.contains(b))
}

fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text::is_plain(text)
}

/// `MAJOR.MINOR.PATCH`, then optionally `-` and a suffix.
fn is_version(text: &str) -> bool {
    let (numbers, suffix) = text.split_once('-').unwrap_or((text, "0"));
    let is_number = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && (part == "0" || !part.starts_with('0'))
    };
    let is_tag = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    text.len() <= 64
        && numbers.split('.').count() == 3
        && numbers.split('.').all(is_number)
        && suffix.split('.').all(is_tag)
}

/// RFC 6901, section 3.
fn is_pointer(text: &str) -> bool {
    let escapes_hold =
        text.split('~').skip(1).all(|rest| rest.starts_with('0') || rest.starts_with('1'));
    (text.is_empty() || text.starts_with('/')) && escapes_hold && text::is_plain(text)
}

fn distinct<T: Ord + Hash>(items: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    items.into_iter().all(|item| seen.insert(item))
}
