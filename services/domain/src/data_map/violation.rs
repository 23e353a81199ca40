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
mod tests {
    use super::{parts, pointer};

    #[test]
    fn pointers_escape_and_read_back() {
        let path = ["a/b", "m~n", "0", ""];
        assert_eq!(pointer(&path), "/a~1b/m~0n/0/");
        assert_eq!(parts(&pointer(&path)), path);
        assert!(parts("").is_empty());
    }
}
