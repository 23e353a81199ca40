//! The bounds of a data map: what is just within is taken, and what is just beyond refused.

use serde_json::{Value, json};

use super::{refused, shop};
use crate::data_map::{DataMap, MAX_DOCUMENT};
use crate::problem::{Code, Refusal};

const SCHEMA: &str = "/categories/profile/fields/name/schema";

/// The shop with another schema for a name.
fn with_schema(schema: Value) -> Result<DataMap, Refusal> {
    let mut document = shop();
    *document.pointer_mut(SCHEMA).unwrap() = schema;
    DataMap::parse(document)
}

#[test]
fn a_document_has_a_mebibyte_of_canonical_form() {
    let mut document = shop();
    let mut code = |bytes: usize| {
        document["purposes"]["fulfil"]["description"] = json!("");
        let empty = crate::json::canonical(&document).len();
        document["purposes"]["fulfil"]["description"] = json!("x".repeat(bytes - empty));
        DataMap::parse(document.clone()).unwrap_err().code
    };
    // The text itself is too long for a description.
    assert_eq!(code(MAX_DOCUMENT), Code::InvalidDataMap);
    assert_eq!(code(MAX_DOCUMENT + 1), Code::TooLarge);
}

#[test]
fn a_schema_has_16_kib_and_8_levels() {
    let of_bytes = |bytes: usize| {
        let empty = json!({"type": "string", "enum": [""]}).to_string().len();
        json!({"type": "string", "enum": ["x".repeat(bytes - empty)]})
    };
    assert!(with_schema(of_bytes(16 * 1024)).is_ok());
    assert!(with_schema(of_bytes(16 * 1024 + 1)).is_err());
    let of_levels = |levels: usize| {
        (1..levels).fold(json!({"type": "string"}), |s, _| json!({"type": "array", "items": s}))
    };
    assert!(with_schema(of_levels(8)).is_ok());
    assert!(with_schema(of_levels(9)).is_err());
}

#[test]
fn a_data_map_holds_200_patterns() {
    let object = |patterns: usize| {
        let member = |n| (format!("p{n}"), json!({"type": "string", "pattern": "a"}));
        let members: serde_json::Map<String, Value> = (0..patterns).map(member).collect();
        json!({"type": "object", "properties": members})
    };
    let with = |patterns: usize| {
        let mut document = shop();
        let fields = &mut document["categories"]["diet"]["fields"];
        for (name, patterns) in [("one", 100), ("other", patterns)] {
            fields[name] = json!({
                "schema": object(patterns), "classification": "other", "origin": "provided",
            });
        }
        DataMap::parse(document)
    };
    // The shop has one itself, and is counted last.
    assert!(with(99).is_ok());
    let refusal = with(100).unwrap_err();
    assert_eq!(refusal.errors.len(), 1, "{refusal:?}");
    assert_eq!(refusal.errors[0].pointer, "/categories/profile/fields/address/schema");
    assert!(refusal.errors[0].detail.contains("200 patterns"), "{refusal:?}");
}

#[test]
fn a_pattern_may_name_the_letters_of_every_script() {
    assert!(with_schema(json!({"type": "string", "pattern": "^\\p{L}{1,4}$"})).is_ok());
    assert!(with_schema(json!({"type": "string", "pattern": "^\\p{L}{10000}$"})).is_err());
}

#[test]
fn twenty_wrong_places_are_told_of() {
    let mut document = shop();
    for n in 0..30 {
        document["purposes"]["fulfil"]["reads"][format!("unknown{n}")] = json!(["*"]);
    }
    assert_eq!(DataMap::parse(document).unwrap_err().errors.len(), 20);
}

#[test]
fn one_wrong_place_does_not_hide_another() {
    let mut document = shop();
    *document.pointer_mut(SCHEMA).unwrap() = json!({"type": "string", "pattern": "("});
    document["purposes"]["advice"].as_object_mut().unwrap().shift_remove("special_ground");
    let refusal = DataMap::parse(document).unwrap_err();
    let places: Vec<_> = refusal.errors.iter().map(|e| e.pointer.as_str()).collect();
    assert_eq!(places, [SCHEMA, "/purposes/advice/special_ground"]);
}

#[test]
fn a_clock_starts_with_a_field_that_is_always_a_date() {
    let issued = "/categories/invoice/fields/issued/schema";
    let place = "/categories/invoice/clock_start/field";
    for schema in [
        json!({"type": "string"}),
        json!({"type": "string", "format": "email"}),
        json!({"type": ["string", "number"], "format": "date"}),
    ] {
        assert_eq!(refused(issued, Some(schema.clone())), [place], "{schema}");
    }
}
