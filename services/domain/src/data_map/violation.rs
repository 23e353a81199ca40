//! What a violated JSON Schema says to a caller: where and what, never the value.

use std::borrow::Cow;

use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

use crate::problem::{Code, Refusal};

/// How many wrong places are told of at once.
const MAX_ERRORS: usize = 20;

/// How long a list of allowed values may be to be told.
const MAX_LIST: usize = 300;

/// Refuses with up to [`MAX_ERRORS`] places. `known` tells how much of a place may be named: it
/// gets the parts of the path and gives how many of them come from a declaration.
pub(crate) fn refuse<'i>(
    code: Code,
    errors: impl Iterator<Item = ValidationError<'i>>,
    known: impl Fn(&[String]) -> usize,
) -> Result<(), Refusal> {
    let mut refusal = Refusal::new(code);
    for error in errors.take(MAX_ERRORS) {
        let mut path = parts(error.instance_path().as_str());
        if let Kind::Required { property: Value::String(name) } = error.kind() {
            path.push(name.clone());
        }
        path.truncate(known(&path));
        refusal = refusal.at(pointer(&path), text(error.kind()));
    }
    if refusal.errors.is_empty() { Ok(()) } else { Err(refusal) }
}

/// The parts of a JSON pointer (RFC 6901), unescaped.
fn parts(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// A JSON pointer of parts.
pub(super) fn pointer<S: AsRef<str>>(parts: &[S]) -> String {
    parts
        .iter()
        .flat_map(|part| ["/".to_owned(), part.as_ref().replace('~', "~0").replace('/', "~1")])
        .collect()
}

/// What is wrong, in the schema's terms.
fn text(kind: &Kind) -> Cow<'static, str> {
    match kind {
        Kind::AdditionalProperties { .. } => "has a member that is not declared".into(),
        Kind::FalseSchema => "must not be there".into(),
        Kind::Required { .. } => "is required".into(),
        Kind::Type { kind } => format!("must be of the type {}", types(kind)).into(),
        Kind::Constant { expected_value } => allowed("must be", expected_value),
        Kind::Enum { options } => allowed("must be one of", options),
        Kind::Format { format } => format!("must have the format {format}").into(),
        Kind::Pattern { .. } => "does not match the declared pattern".into(),
        Kind::PropertyNames { .. } => "has a member whose name has not the declared form".into(),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters").into(),
        Kind::MinLength { limit } => format!("must have at least {limit} characters").into(),
        Kind::MaxItems { limit } => format!("must have at most {limit} items").into(),
        Kind::MinItems { limit } => format!("must have at least {limit} items").into(),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members").into(),
        Kind::Maximum { limit } => format!("must be at most {limit}").into(),
        Kind::Minimum { limit } => format!("must be at least {limit}").into(),
        Kind::UniqueItems => "must not hold an item twice".into(),
        Kind::OneOfNotValid { .. } => "has none of the declared forms".into(),
        _ => "does not fit its schema".into(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) => {
            many.iter().map(|one: JsonType| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

/// The values that a schema allows, when they are few.
fn allowed(what: &str, values: &Value) -> Cow<'static, str> {
    let list = values.to_string();
    if list.len() <= MAX_LIST {
        format!("{what} {list}").into()
    } else {
        "is not one of the declared values".into()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_LIST, parts, pointer, refuse};
    use crate::problem::Code;

    /// What is said of a value that does not hold to a schema.
    fn said(schema: &Value, value: &Value) -> String {
        let options = jsonschema::draft202012::options().should_validate_formats(true);
        let validator = options.build(schema).unwrap();
        let refused = refuse(Code::InvalidRecord, validator.iter_errors(value), <[String]>::len);
        refused.unwrap_err().errors.remove(0).detail.into_owned()
    }

    #[test]
    fn each_rule_of_a_schema_has_words_of_its_own() {
        let one_of = json!({"oneOf": [{"type": "string"}, {"type": "null"}]});
        for (schema, value, words) in [
            (
                json!({"properties": {"b": true}, "additionalProperties": false}),
                json!({"a": 1}),
                "has a member that is not declared",
            ),
            (json!({"properties": {"a": false}}), json!({"a": 1}), "must not be there"),
            (json!({"required": ["a"]}), json!({}), "is required"),
            (json!({"type": "string"}), json!(1), "must be of the type string"),
            (json!({"type": ["null", "string"]}), json!(1), "must be of the type null or string"),
            (json!({"const": 2}), json!(1), "must be 2"),
            (json!({"enum": [2, 3]}), json!(1), "must be one of [2,3]"),
            (json!({"format": "date"}), json!("x"), "must have the format date"),
            (json!({"pattern": "a"}), json!("x"), "does not match the declared pattern"),
            (
                json!({"propertyNames": {"pattern": "a"}}),
                json!({"x": 1}),
                "has a member whose name has not the declared form",
            ),
            (json!({"maxLength": 1}), json!("xx"), "must have at most 1 characters"),
            (json!({"minLength": 1}), json!(""), "must have at least 1 characters"),
            (json!({"maxItems": 1}), json!([1, 2]), "must have at most 1 items"),
            (json!({"minItems": 1}), json!([]), "must have at least 1 items"),
            (json!({"maxProperties": 0}), json!({"x": 1}), "must have at most 0 members"),
            (json!({"maximum": 1}), json!(2), "must be at most 1"),
            (json!({"minimum": 1}), json!(0), "must be at least 1"),
            (json!({"uniqueItems": true}), json!([1, 1]), "must not hold an item twice"),
            (one_of, json!(1), "has none of the declared forms"),
            (json!({"multipleOf": 2}), json!(1), "does not fit its schema"),
        ] {
            assert_eq!(said(&schema, &value), words, "{schema}");
        }
    }

    #[test]
    fn a_long_list_of_values_is_not_told() {
        // As JSON it has brackets and quotation marks.
        let list = |length: usize| json!({"enum": ["x".repeat(length - 4)]});
        assert!(said(&list(MAX_LIST), &json!(1)).starts_with("must be one of [\"x"));
        assert_eq!(said(&list(MAX_LIST + 1), &json!(1)), "is not one of the declared values");
    }

    #[test]
    fn pointers_escape_and_read_back() {
        let path = ["a/b", "m~n", "0", ""];
        assert_eq!(pointer(&path), "/a~1b/m~0n/0/");
        assert_eq!(parts(&pointer(&path)), path);
        assert!(parts("").is_empty());
    }
}
