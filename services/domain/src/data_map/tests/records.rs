//! What a compiled data map does with records, purposes, clocks and scopes.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{any_json, shop};
use crate::clock::Time;
use crate::data_map::compiled::narrows;
use crate::data_map::{CompiledDataMap, DataMap, Origin};
use crate::ids::Name;
use crate::problem::Code;
use crate::request::RequestScope;

fn compiled(document: Value) -> CompiledDataMap {
    CompiledDataMap::compile(DataMap::parse(document).unwrap()).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The pointers and details that a record of the shop's profile is refused with.
fn wrong(body: &Value) -> Vec<(String, String)> {
    let refusal = compiled(shop()).validate_record(&name("profile"), body).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidRecord);
    refusal.errors.into_iter().map(|e| (e.pointer, e.detail.into_owned())).collect()
}

#[test]
fn records_that_fit_pass() {
    let map = compiled(shop());
    for body in [
        json!({"name": "Ada"}),
        json!({"name": "Ada", "email": null, "tags": {"likes": "tea"}}),
        json!({"name": "Ada", "email": "ada@example.org",
               "address": {"postalCode": "75001", "lines": ["1 rue"]}}),
    ] {
        map.validate_record(&name("profile"), &body).unwrap();
    }
    let unknown = map.validate_record(&name("nothing"), &json!({})).unwrap_err();
    assert_eq!(unknown.code, Code::UnknownCategory);
}

#[test]
fn records_that_do_not_fit_are_refused_without_their_values() {
    let one = |body: Value| {
        let found = wrong(&body);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!format!("{found:?}").contains("SECRET"), "{found:?}");
        found[0].0.clone()
    };
    assert_eq!(one(json!({})), "/name");
    assert_eq!(one(json!({"name": ""})), "/name");
    assert_eq!(one(json!({"name": "SECRET".repeat(5)})), "/name");
    assert_eq!(one(json!({"name": null})), "/name");
    assert_eq!(one(json!({"name": "a", "email": "SECRET"})), "/email");
    assert_eq!(one(json!({"name": "a", "SECRET": 1})), "");
    assert_eq!(one(json!({"name": "a", "address": {}})), "/address/postalCode");
    assert_eq!(
        one(json!({"name": "a", "address": {"postalCode": "SECRET"}})),
        "/address/postalCode"
    );
    assert_eq!(
        one(json!({"name": "a", "address": {"postalCode": "75001", "SECRET": 1}})),
        "/address"
    );
    let lines = json!({"name": "a", "address": {"postalCode": "75001", "lines": ["x", 1]}});
    assert_eq!(one(lines), "/address/lines/1");
    assert_eq!(one(json!({"name": "a", "tags": {"SECRET": 1}})), "/tags");
    assert_eq!(one(json!(["SECRET"])), "");
}

#[test]
fn undeclared_members_are_counted_from_one() {
    let found = wrong(&json!({"Ada": 1, "name": "a", "x": 2}));
    let details: Vec<_> = found.iter().map(|(_, detail)| detail.as_str()).collect();
    assert_eq!(
        details,
        ["member 1 is not declared in the data map", "member 3 is not declared in the data map"]
    );
    let many: serde_json::Map<_, _> = (0..30).map(|n| (format!("X{n}"), json!(1))).collect();
    assert_eq!(wrong(&Value::Object(many)).len(), 20, "as many as are told of");
}

#[test]
fn a_member_is_not_named_because_items_of_a_list_would_be() {
    let mut document = shop();
    document["categories"]["profile"]["fields"]["tags"]["schema"] = json!({
        "type": ["array", "object"],
        "items": {"type": "string"}, "additionalProperties": {"type": "string"},
    });
    let map = compiled(document);
    for (tags, place) in [(json!([1]), "/tags/0"), (json!({"SECRET": 1}), "/tags")] {
        let body = json!({"name": "a", "tags": tags});
        let refusal = map.validate_record(&name("profile"), &body).unwrap_err();
        assert_eq!(refusal.errors[0].pointer, place);
    }
}

#[test]
fn what_was_taken_out_or_never_there_is_not_declared() {
    let map = compiled(shop());
    assert!(map.declares(&name("profile"), &name("email")));
    assert!(!map.declares(&name("profile"), &name("total")));
    assert!(!map.declares(&name("none"), &name("email")));
}

#[test]
fn what_people_gave_and_what_was_observed_is_portable() {
    let portable = [Origin::Provided, Origin::Observed];
    let others = [Origin::Derived, Origin::ThirdParty("Scores Ltd".to_owned())];
    assert!(portable.iter().all(Origin::is_portable));
    assert!(!others.iter().any(Origin::is_portable));
}

#[test]
fn dates_lie_between_1900_and_2100() {
    let map = compiled(shop());
    let check =
        |date: &str| map.validate_record(&name("invoice"), &json!({"issued": date})).is_ok();
    assert!(check("1900-01-01") && check("2099-12-31"));
    for bad in ["2100-01-01", "1899-12-31", "2024-02-30", "20240101", "9999-12-31", ""] {
        assert!(!check(bad), "{bad}");
    }
}

#[test]
fn purposes_read_their_fields_alone() {
    let map = compiled(shop());
    let fulfil = map.fields_for(&name("fulfil")).unwrap();
    assert_eq!(fulfil[&name("profile")], [name("name"), name("address")].into());
    assert_eq!(fulfil[&name("invoice")], [name("issued"), name("total")].into());
    assert!(!fulfil.contains_key(&name("diet")));
    assert!(map.may_read(&name("newsletter"), &name("profile"), &name("email")));
    assert!(!map.may_read(&name("newsletter"), &name("profile"), &name("name")));
    assert_eq!(map.fields_for(&name("spying")).unwrap_err().code, Code::UnknownPurpose);
}

#[test]
fn clocks_start_in_the_time_zone_of_the_app() {
    let map = compiled(shop());
    // 23:30 UTC on New Year's Eve is the new year in Paris.
    let eve = Time::parse("2025-12-31T23:30:00Z").unwrap();
    let later = Time::parse("2026-06-01T12:00:00Z").unwrap();
    let start = |category: &str, body: &Value| {
        let day = map.clock_start(&name(category), body, eve, later);
        day.map(|day| day.map(|day| day.to_string()))
    };
    let some = |text: &str| Ok(Some(text.to_owned()));
    assert_eq!(start("diet", &json!({})), some("2026-12-31"));
    assert_eq!(start("profile", &json!({})), some("2026-06-01"));
    assert_eq!(start("invoice", &json!({"issued": "2026-03-31"})), some("2026-03-31"));
    assert_eq!(start("invoice", &json!({"issued": "2026-04-01"})), some("2027-03-31"));
    assert_eq!(start("invoice", &json!({})), Ok(None));
    assert_eq!(start("invoice", &json!({"issued": ""})), Ok(None));
    for bad in [json!("2100-01-01"), json!("soon"), json!(7)] {
        let refusal = start("invoice", &json!({"issued": bad})).unwrap_err();
        assert_eq!((refusal.code, &*refusal.errors[0].pointer), (Code::InvalidRecord, "/issued"));
    }
    let far = map.clock_start(&name("diet"), &json!({}), Time(i64::MAX), later);
    assert_eq!(far.unwrap_err().code, Code::InvalidTime);
}

#[test]
fn narrowed_types_are_told_of() {
    let before = DataMap::parse(shop()).unwrap();
    let changed = |at: &str, value: Value| {
        let mut document = shop();
        *document.pointer_mut(at).unwrap() = value;
        let fields = compiled(document).changes_type_of(&before);
        fields.iter().map(|(c, f)| format!("{c}.{f}")).collect::<Vec<_>>()
    };
    let at = |field: &str| format!("/categories/{field}/schema/type");
    assert!(changed("/purposes/fulfil/title", json!("Other")).is_empty());
    assert_eq!(changed(&at("profile/fields/email"), json!("string")), ["profile.email"]);
    assert_eq!(changed(&at("invoice/fields/total"), json!("integer")), ["invoice.total"]);
    assert!(changed(&at("profile/fields/name"), json!(["string", "null"])).is_empty());
    let (integer, number) = (json!({"type": "integer"}), json!({"type": "number"}));
    assert!(!narrows(&integer, &number), "integers are numbers");
    assert!(narrows(&json!({"type": "string"}), &number));
    assert!(
        changed(
            "/categories/invoice/fields",
            json!({
        "issued": shop()["categories"]["invoice"]["fields"]["issued"]})
        )
        .is_empty()
    );
}

#[test]
fn scopes_select_and_are_checked() {
    let map = compiled(shop());
    let scope = |value: Value| serde_json::from_value::<RequestScope>(value).unwrap();
    let covers = |scope: &RequestScope, category: &str, field: &str| {
        scope.covers(&map, &name(category), &name(field))
    };
    assert!(covers(&scope(json!({})), "diet", "allergies"));
    let some = scope(json!({"purposes": ["newsletter"], "categories": ["diet"],
                            "fields": {"invoice": ["total"]}}));
    some.check(&map).unwrap();
    assert!(covers(&some, "profile", "email") && covers(&some, "diet", "allergies"));
    assert!(covers(&some, "invoice", "total"));
    assert!(!covers(&some, "invoice", "issued") && !covers(&some, "profile", "name"));
    for one in ["purposes", "categories"].map(|of| json!({of: ["newsletter"]})) {
        assert!(!scope(one).is_everything(), "a scope of one kind is a scope");
    }
    assert!(!scope(json!({"fields": {"invoice": ["total"]}})).is_everything());
    for (bad, code) in [
        (json!({"purposes": ["x"]}), Code::UnknownPurpose),
        (json!({"categories": ["x"]}), Code::UnknownCategory),
        (json!({"fields": {"x": []}}), Code::UnknownCategory),
        (json!({"fields": {"diet": ["x"]}}), Code::InvalidBody),
    ] {
        assert_eq!(scope(bad).check(&map).unwrap_err().code, code);
    }
}

#[test]
fn a_compiled_map_is_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&compiled(shop()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_record_passes_or_is_refused_with_declared_places(body in any_json()) {
        let declared = ["", "/name", "/email", "/address", "/tags"];
        if let Err(refusal) = compiled(shop()).validate_record(&name("profile"), &body) {
            for error in refusal.errors {
                prop_assert!(declared.contains(&&*error.pointer), "{}", error.pointer);
            }
        }
    }
}
