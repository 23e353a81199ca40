//! The published schema of data maps, and the validators of field schemas.

use std::sync::LazyLock;

use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::{Category, retention, violation};
use crate::ids::Name;
use crate::problem::{Code, Refusal};

/// The JSON Schema (draft 2020-12) that every data map is checked against.
pub const PUBLISHED: &str = include_str!("../../schemas/data-map.schema.json");

/// The largest compiled pattern: a data map may hold many, and each is kept in memory.
const MAX_PATTERN_SIZE: usize = 256 * 1024;

/// Absent only if the published schema itself were wrong, which a test excludes.
static VALIDATOR: LazyLock<Option<Validator>> = LazyLock::new(|| {
    let schema = serde_json::from_str(PUBLISHED).ok()?;
    jsonschema::draft202012::options().offline().build(&schema).ok()
});

/// Checks a document against the published schema.
///
/// # Errors
/// `invalid-data-map` with the places that are wrong.
pub(super) fn validate(document: &Value) -> Result<(), Refusal> {
    let validator = VALIDATOR.as_ref().ok_or(Code::Internal)?;
    violation::refuse(Code::InvalidDataMap, validator.iter_errors(document), known)
}

/// How much of a place in a data map may be named: everything that has the form of a name, stands
/// in a list, or is a keyword of the field schemas.
fn known(path: &[String]) -> usize {
    let nameable = |part: &String| {
        Name::new(part.as_str()).is_ok()
            || part.bytes().all(|b| b.is_ascii_digit())
            || ["minLength", "maxLength", "minItems", "maxItems", "additionalProperties"]
                .contains(&part.as_str())
    };
    path.iter().position(|part| !nameable(part)).unwrap_or(path.len())
}

/// Compiles the schema of a category's records. Members that are not declared pass it.
///
/// # Errors
/// None but for a pattern that the linear-time engine does not take; `check` names its place.
pub(super) fn compile_category(category: &Category) -> Option<Validator> {
    let properties: Map<String, Value> = category
        .fields
        .iter()
        .map(|(name, field)| (name.to_string(), field.schema.clone()))
        .collect();
    let required: Vec<&Name> =
        category.fields.iter().filter(|(_, f)| f.required).map(|(name, _)| name).collect();
    compile(&json!({"type": "object", "properties": properties, "required": required}))
}

/// Compiles a schema of the subset, with formats checked and patterns in linear time.
pub(super) fn compile(schema: &Value) -> Option<Validator> {
    jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(true)
        .with_pattern_options(
            PatternOptions::regex().size_limit(MAX_PATTERN_SIZE).dfa_size_limit(MAX_PATTERN_SIZE),
        )
        .with_format("date", |text: &str| retention::parse_day(text).is_some())
        .with_format("date-time", |text: &str| retention::instant(text).is_some())
        .build(schema)
        .ok()
}
