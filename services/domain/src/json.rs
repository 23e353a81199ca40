//! Strict JSON: reading what callers send, the canonical form that is hashed and signed, and
//! merge patches. Knows nothing of what the documents mean.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::{Code, Refusal};

/// How many arrays and objects may stand within each other.
pub const MAX_DEPTH: usize = 32;

/// How many values a document may have. A short one, such as a number in an array, takes more memory
/// than its text.
pub const MAX_VALUES: usize = 1_000_000;

/// Why a document was refused, found while reading; the parser's own errors are `Syntax`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    Syntax,
    Twice,
    Nul,
    Deep,
    Many,
}

impl Fault {
    fn text(self) -> &'static str {
        match self {
            Fault::Syntax => "The body is not JSON (RFC 8259)",
            Fault::Twice => "An object has the same member twice",
            Fault::Nul => "A string or member name holds U+0000",
            Fault::Deep => "Arrays and objects nest deeper than 32 levels",
            Fault::Many => "The document has more than 1000000 values",
        }
    }
}

/// Reads one JSON document (RFC 8259), as strictly as I-JSON (RFC 7493) asks.
///
/// # Errors
/// `malformed-json` when the bytes are not UTF-8 or not JSON, a member stands twice in one object,
/// a string or name holds U+0000, the nesting is deeper than [`MAX_DEPTH`], there are more than
/// [`MAX_VALUES`] values, or something follows the document. The detail says which, and the byte where reading stopped.
pub fn parse(bytes: &[u8]) -> Result<Value, Refusal> {
    let text = std::str::from_utf8(bytes)
        .map_err(|e| malformed("The body is not UTF-8", e.valid_up_to()))?;
    let (fault, values) = (Cell::new(Fault::Syntax), Cell::new(0));
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Seed { depth: 0, fault: &fault, values: &values }
        .deserialize(&mut reader)
        .map_err(|e| malformed(fault.get().text(), offset(text, &e)))?;
    reader.end().map_err(|e| malformed("Something follows the JSON document", offset(text, &e)))?;
    Ok(value)
}

fn malformed(what: &str, byte: usize) -> Refusal {
    Refusal::new(Code::MalformedJson).detail(format!("{what} (at byte {byte})."))
}

/// The byte where the parser stopped: it counts lines and, within them, bytes.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    (before + error.column()).min(text.len())
}

/// Reads a value at a depth, and counts it; `fault` tells the caller which rule was broken.
#[derive(Clone, Copy)]
struct Seed<'a> {
    depth: usize,
    fault: &'a Cell<Fault>,
    values: &'a Cell<usize>,
}

impl Seed<'_> {
    fn refuse<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.set(fault);
        E::custom(fault.text())
    }

    /// The seed for what stands one level deeper.
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.refuse(Fault::Deep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }

    fn text<E: serde::de::Error>(self, text: String) -> Result<String, E> {
        if text.contains('\0') { Err(self.refuse(Fault::Nul)) } else { Ok(text) }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;
    fn deserialize<D: serde::Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > MAX_VALUES {
            return Err(self.refuse(Fault::Many));
        }
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Value, E> {
        self.text(value.to_owned()).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let name = self.text(name)?;
            if object.contains_key(&name) {
                return Err(self.refuse::<A::Error>(Fault::Twice));
            }
            let value = members.next_value_seed(seed)?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The canonical form of a value (RFC 8785): what is hashed, signed and stored as such.
///
/// It rounds integers beyond 2^53, as the RFC asks: never keep a person's value in this form.
#[must_use]
pub fn canonical(value: &Value) -> String {
    // Fails only on keys that are not strings, duplicate keys or numbers that are not finite: a
    // `Value` holds none of them.
    serde_json_canonicalizer::to_string(value).unwrap_or_default()
}

/// Applies a JSON Merge Patch (RFC 7396) to `target`: null takes a member out, an object is merged,
/// anything else replaces. Values read by [`parse`] bound the recursion.
pub fn merge_patch(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            merge_patch(members.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{MAX_DEPTH, MAX_VALUES, canonical, merge_patch, parse};
    use crate::problem::Code;

    fn refused(bytes: &[u8]) -> String {
        let refusal = parse(bytes).unwrap_err();
        assert_eq!(refusal.code, Code::MalformedJson);
        refusal.detail.unwrap().into_owned()
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        assert_eq!(refused(b"{\"a\":\"\xff\"}"), "The body is not UTF-8 (at byte 6).");
        assert!(refused(br#"{"a":1,"a":2}"#).starts_with("An object has the same member twice"));
        assert!(refused(br#"[{"x":{"a":1,"\u0061":2}}]"#).contains("twice"));
        assert!(refused(br#"{"a":"x\u0000"}"#).contains("U+0000"));
        assert!(refused(br#"{"a\u0000":1}"#).contains("U+0000"));
        assert!(refused(b"{} {}").starts_with("Something follows"));
        assert_eq!(refused(b"{\n\"a\":?}"), "The body is not JSON (RFC 8259) (at byte 7).");
        for bad in [&b""[..], b"{", b"nul", b"[1,]", b"1e999", br#""\ud800""#, b"\xef\xbb\xbf{}"] {
            refused(bad);
        }
    }

    #[test]
    fn never_repeats_the_input() {
        for bad in [&br#"{"secret":1,"secret":2}"#[..], b"secret", br#"{"secret" 1}"#] {
            assert!(!refused(bad).contains("secret"));
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert!(refused(nested(MAX_DEPTH + 1).as_bytes()).contains("deeper"));
        assert!(refused(nested(10_000).as_bytes()).contains("deeper"));
        assert!(refused("{\"a\":".repeat(10_000).as_bytes()).contains("deeper"));
    }

    #[test]
    fn values_are_bounded() {
        let array = |items: usize| format!("[0{}]", ",0".repeat(items - 1));
        assert!(parse(array(MAX_VALUES - 1).as_bytes()).is_ok());
        assert!(refused(array(MAX_VALUES).as_bytes()).contains("more than 1000000 values"));
    }

    #[test]
    fn canonical_form_is_that_of_rfc_8785() {
        let value = parse(
            br#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        let text = concat!(
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"#,
            r#""string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(canonical(&value), text);
        let large = parse(b"[18446744073709551615,-9223372036854775808,9007199254740993]").unwrap();
        let rounded = "[18446744073709552000,-9223372036854776000,9007199254740992]";
        assert_eq!(canonical(&large), rounded);
        assert_eq!(canonical(&json!({"b": 1, "a": 2})), canonical(&json!({"a": 2, "b": 1})));
    }

    #[test]
    fn merge_patch_cases_of_rfc_7396() {
        let cases = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, wanted) in cases {
            merge_patch(&mut target, &patch);
            assert_eq!(target, wanted);
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1i64 << 53)..=1i64 << 53).prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has finite numbers", |f| f.is_finite())
                .prop_map(Value::from),
            "[^\0]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[^\0]{0,4}", inner, 0..5)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_read_canonicalises_to_a_fixed_point(value in any_value()) {
            let text = canonical(&value);
            let read = parse(text.as_bytes()).unwrap();
            prop_assert_eq!(canonical(&read), text);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = parse(&bytes) {
                let plain: Value = serde_json::from_slice(&bytes).unwrap();
                prop_assert_eq!(value, plain);
            }
        }

        #[test]
        fn a_patch_applied_twice_changes_nothing_more(
            mut target in any_value(),
            patch in any_value(),
        ) {
            merge_patch(&mut target, &patch);
            let once = target.clone();
            merge_patch(&mut target, &patch);
            prop_assert_eq!(target, once);
        }
    }
}
