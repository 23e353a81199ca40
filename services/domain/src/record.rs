//! Records: the bounds of a body, what counts as empty, which members changed, and the form in
//! which a field is stored. Knows neither keys nor ciphers: what it stores is bytes.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::Name;
use crate::problem::{Code, Refusal};

/// The longest record body, in bytes of compact JSON.
pub const MAX_BODY: usize = 256 * 1024;

/// The most members of a record body.
pub const MAX_MEMBERS: usize = 500;

/// One field of a record as stored. The empty flag stands in clear, so that policies can tell an
/// empty field without keys.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredField {
    /// The field's name in the data map.
    pub name: Name,
    /// Whether the value is empty ([`is_empty_value`]).
    pub empty: bool,
    /// The value's JSON text, encrypted.
    pub ciphertext: Vec<u8>,
}

/// Whether a value says nothing: null, an empty text, an empty list or an empty object.
#[must_use]
pub fn is_empty_value(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Checks the bounds of a record body, before the data map is asked, and gives its members.
///
/// # Errors
/// `invalid-record` when it is not an object or has more than [`MAX_MEMBERS`] members;
/// `too-large` when its compact form is longer than [`MAX_BODY`].
pub fn validate_body(body: &Value) -> Result<&Map<String, Value>, Refusal> {
    let Value::Object(members) = body else {
        return Err(Refusal::new(Code::InvalidRecord).at("", "must be an object"));
    };
    if members.len() > MAX_MEMBERS {
        return Err(Refusal::new(Code::InvalidRecord).at("", "must have at most 500 members"));
    }
    if serde_json::to_writer(Bounded(MAX_BODY), body).is_err() {
        return Err(Refusal::new(Code::TooLarge).detail("A record is at most 256 KiB of JSON."));
    }
    Ok(members)
}

/// Counts what is written down to nothing, then fails: the body is measured without a copy.
struct Bounded(usize);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The members that were added, taken out or given another value, in the order of their names.
/// Members whose names are no field names are left out: no valid body has any.
#[must_use]
pub fn changed_names(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Name> {
    let mut names: Vec<Name> = before
        .keys()
        .chain(after.keys().filter(|name| !before.contains_key(*name)))
        .filter(|name| before.get(*name) != after.get(*name))
        .filter_map(|name| Name::new(name.as_str()).ok())
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::{MAX_BODY, MAX_MEMBERS, changed_names, is_empty_value, validate_body};
    use crate::problem::Code;

    #[test]
    fn only_what_says_nothing_is_empty() {
        for empty in [json!(null), json!(""), json!([]), json!({})] {
            assert!(is_empty_value(&empty), "{empty}");
        }
        for full in [json!(0), json!(false), json!(" "), json!([null]), json!({"a": null})] {
            assert!(!is_empty_value(&full), "{full}");
        }
    }

    #[test]
    fn bodies_are_bounded_to_the_byte() {
        assert_eq!(MAX_BODY, 256 << 10);
        let body = |length: usize| json!({"a": "x".repeat(length)});
        let frame = body(0).to_string().len();
        assert!(validate_body(&body(MAX_BODY - frame)).is_ok());
        let refusal = validate_body(&body(MAX_BODY - frame + 1)).unwrap_err();
        assert_eq!(refusal.code, Code::TooLarge);
    }

    #[test]
    fn bodies_are_objects_of_few_members() {
        let body = |n: usize| -> Value {
            (0..n).map(|i| (format!("m{i}"), json!(1))).collect::<Map<_, _>>().into()
        };
        assert_eq!(validate_body(&body(MAX_MEMBERS)).unwrap().len(), MAX_MEMBERS);
        for bad in [body(MAX_MEMBERS + 1), json!([]), json!("text"), json!(null)] {
            assert_eq!(validate_body(&bad).unwrap_err().code, Code::InvalidRecord);
        }
    }

    fn changed(before: &Value, after: &Value) -> Vec<String> {
        let names = changed_names(before.as_object().unwrap(), after.as_object().unwrap());
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn changes_are_named() {
        let before = json!({"c": 1, "b": {"x": 1}, "a": null});
        assert_eq!(changed(&before, &json!({"b": {"x": 1}, "c": 1, "a": null})).len(), 0);
        assert_eq!(changed(&before, &json!({"b": {"x": 2}, "d": 1, "a": null})), ["b", "c", "d"]);
        assert_eq!(changed(&before, &json!({"b": {"x": 1}, "c": 1})), ["a"]);
    }

    fn any_body() -> impl Strategy<Value = Map<String, Value>> {
        prop::collection::btree_map("[a-d]", (0u8..3).prop_map(Value::from), 0..4)
            .prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn both_directions_name_the_same_changes(before in any_body(), after in any_body()) {
            let names = changed_names(&before, &after);
            prop_assert_eq!(&names, &changed_names(&after, &before));
            prop_assert_eq!(names.is_empty(), before == after);
        }
    }
}
