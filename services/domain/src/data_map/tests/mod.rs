#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bounds;
mod diff;
mod records;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::problem::Code;

/// A small shop: one plain category, one with a date, one with a special field.
fn shop() -> Value {
    json!({
        "categories": {
            "profile": {
                "title": "Profile",
                "clock_start": {"from": "last_contact"},
                "fields": {
                    "name": {"schema": {"type": "string", "minLength": 1, "maxLength": 20},
                             "classification": "name", "origin": "provided", "required": true},
                    "email": {"schema": {"type": ["string", "null"], "format": "email"},
                              "classification": "email_address", "origin": "provided"},
                    "address": {"schema": {"type": "object", "additionalProperties": false,
                                           "required": ["postalCode"], "properties": {
                                               "postalCode": {"type": "string", "pattern": "^[0-9]{5}$"},
                                               "lines": {"type": "array", "maxItems": 2,
                                                         "items": {"type": "string"}}}},
                                "classification": "physical_address", "origin": "provided"},
                    "tags": {"schema": {"type": "object", "additionalProperties": {"type": "string"}},
                             "classification": "interest", "origin": "derived"},
                },
            },
            "invoice": {
                "title": "Invoice",
                "clock_start": {"from": "field", "field": "issued", "end_of": "financial_year"},
                "duration": "P10Y",
                "fields": {
                    "issued": {"schema": {"type": "string", "format": "date"},
                               "classification": "transaction", "origin": "observed"},
                    "total": {"schema": {"type": "number", "minimum": 0},
                              "classification": "financial", "origin": "observed"},
                },
            },
            "diet": {
                "title": "Diet",
                "clock_start": {"from": "created", "end_of": "calendar_year"},
                "fields": {
                    "allergies": {"schema": {"type": "string"}, "classification": "health",
                                  "origin": {"third_party": "The person's doctor"}},
                },
            },
        },
        "purposes": {
            "fulfil": {"title": "Fulfil orders", "lawful_basis": "contract",
                       "reads": {"profile": ["name", "address"], "invoice": ["*"]}},
            "newsletter": {"title": "Newsletter", "lawful_basis": "consent", "notice": "newsletter",
                           "direct_marketing": true, "consent_validity": "P2Y",
                           "reads": {"profile": ["email"]}},
            "advice": {"title": "Advice", "lawful_basis": "consent", "notice": "advice",
                       "special_ground": "explicit_consent",
                       "automated_decision": {"logic": "Sorts recipes by allergies."},
                       "reads": {"diet": ["*"]}},
        },
        "app": {
            "controller": {"name": "Shop Ltd", "email": "privacy@shop.example"},
            "subject_kinds": ["customers"],
            "recipients": [{"name": "mailer", "title": "Mail Inc", "country": "US",
                            "safeguard": "Standard contractual clauses"}],
            "transfers": [{"country": "US", "recipient": "mailer", "safeguard": "Clauses"}],
            "time_zone": "Europe/Paris",
            "country": "FR",
            "financial_year_end": "03-31",
        },
    })
}

/// The shop with one place changed (`None` takes it out), and the pointers that are then refused.
fn refused(at: &str, value: Option<Value>) -> Vec<String> {
    let mut document = shop();
    let (parent, member) = at.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Some(value) => parent.insert(member.to_owned(), value),
        None => parent.shift_remove(member),
    };
    let refusal = DataMap::parse(document).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidDataMap);
    refusal.errors.into_iter().map(|e| e.pointer).collect()
}

#[test]
fn a_data_map_reads_back() {
    let map = DataMap::parse(shop()).unwrap();
    let again = DataMap::parse(serde_json::to_value(&map).unwrap()).unwrap();
    assert_eq!(map, again);
}

#[test]
fn the_published_schema_lists_the_same_words_as_the_code() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let words = |pointer: &str| {
        let list = schema.pointer(pointer).unwrap().as_array().unwrap();
        list.iter().map(|w| w.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    macro_rules! same {
        ($pointer:literal, $list:ty) => {
            let ours: Vec<_> = <$list>::ALL.iter().map(|w| w.as_str().to_owned()).collect();
            assert_eq!(words($pointer), ours);
        };
    }
    same!("/$defs/field/properties/classification/enum", Classification);
    same!("/$defs/purpose/properties/lawful_basis/enum", LawfulBasis);
    same!("/$defs/purpose/properties/special_ground/enum", SpecialGround);
    same!("/$defs/category/properties/clock_start/properties/from/enum", ClockFrom);
    same!("/$defs/category/properties/clock_start/properties/end_of/enum", YearEnd);
}

#[test]
fn what_does_not_fit_the_published_schema_is_refused_where_it_stands() {
    let field = "/categories/profile/fields/name";
    let cases = [
        ("/app", None, "/app"),
        ("/extra", Some(json!(1)), ""),
        ("/app/country", Some(json!("France")), "/app/country"),
        (
            "/categories/profile/clock_start",
            Some(json!({"from": "field"})),
            "/categories/profile/clock_start/field",
        ),
        (
            "/categories/invoice/clock_start/from",
            Some(json!("created")),
            "/categories/invoice/clock_start/field",
        ),
        ("/categories/profile/duration", Some(json!("10 years")), "/categories/profile/duration"),
        (
            &format!("{field}/classification"),
            Some(json!("ada")),
            &format!("{field}/classification"),
        ),
        (&format!("{field}/origin"), Some(json!({"third_party": 1})), &format!("{field}/origin")),
        (&format!("{field}/schema/$ref"), Some(json!("#")), &format!("{field}/schema")),
        (
            &format!("{field}/schema/format"),
            Some(json!("regex")),
            &format!("{field}/schema/format"),
        ),
        ("/purposes/fulfil/lawful_basis", Some(json!("because")), "/purposes/fulfil/lawful_basis"),
        ("/purposes/fulfil/reads/profile", Some(json!([])), "/purposes/fulfil/reads/profile"),
        (
            "/purposes/fulfil/reads/profile",
            Some(json!(["*", "name"])),
            "/purposes/fulfil/reads/profile",
        ),
    ];
    for (at, value, wanted) in cases {
        assert_eq!(refused(at, value), [wanted], "{at}");
    }
}

#[test]
fn names_that_are_no_names_are_never_repeated() {
    let category = shop()["categories"]["profile"].clone();
    assert_eq!(refused("/categories/Ada Lovelace", Some(category.clone())), ["/categories"]);
    let mut broken = category;
    broken["title"] = json!(1);
    let pointers = refused("/categories/ada@example.org", Some(broken));
    assert!(pointers.iter().all(|p| p == "/categories"), "{pointers:?}");
}

#[test]
fn what_refers_to_nothing_is_refused() {
    let cases = [
        ("/purposes/fulfil/reads/nothing", Some(json!(["*"])), "/purposes/fulfil/reads/nothing"),
        ("/purposes/fulfil/reads/profile", Some(json!(["age"])), "/purposes/fulfil/reads/profile"),
        (
            "/categories/invoice/clock_start/field",
            Some(json!("total")),
            "/categories/invoice/clock_start/field",
        ),
        (
            "/categories/invoice/clock_start/field",
            Some(json!("paid")),
            "/categories/invoice/clock_start/field",
        ),
        ("/app/time_zone", Some(json!("Mars/Olympus")), "/app/time_zone"),
        ("/app/country", Some(json!("UK")), "/app/country"),
        ("/app/financial_year_end", Some(json!("02-30")), "/app/financial_year_end"),
        (
            "/app/transfers",
            Some(json!([{"country": "US", "recipient": "x", "safeguard": "y"}])),
            "/app/transfers/0/recipient",
        ),
    ];
    for (at, value, wanted) in cases {
        assert_eq!(refused(at, value), [wanted], "{at}");
    }
    let twice = json!([{"name": "mailer", "title": "A"}, {"name": "mailer", "title": "B"}]);
    assert_eq!(
        refused("/app/recipients", Some(twice)),
        ["/app/recipients/0/name", "/app/recipients/1/name"]
    );
}

#[test]
fn consent_and_special_data_have_their_rules() {
    let advice = "/purposes/advice/special_ground";
    assert_eq!(refused("/purposes/newsletter/notice", None), ["/purposes/newsletter/notice"]);
    assert_eq!(refused(advice, None), [advice]);
    assert_eq!(
        refused("/purposes/fulfil/consent_validity", Some(json!("P1Y"))),
        ["/purposes/fulfil/consent_validity"]
    );
    assert_eq!(
        refused("/purposes/fulfil/special_ground", Some(json!("explicit_consent"))),
        ["/purposes/fulfil/special_ground"]
    );
    let criminal = "/categories/diet/fields/allergies/classification";
    assert_eq!(refused(criminal, Some(json!("criminal"))), ["/purposes/advice/criminal_data_law"]);
}

#[test]
fn field_schemas_are_bounded_and_linear() {
    let at = "/categories/profile/fields/name/schema";
    let mut deep = json!({"type": "string"});
    for _ in 0..8 {
        deep = json!({"type": "array", "items": deep});
    }
    let long = json!({"type": "string", "enum": vec!["x".repeat(100); 200]});
    for bad in [
        deep,
        long,
        json!({"type": "string", "pattern": "("}),
        json!({"type": "string", "pattern": "(a)\\1"}),
        json!({"type": "string", "pattern": "(?=a)"}),
        json!({"type": "string", "pattern": "(\\w{100}){100}"}),
    ] {
        assert_eq!(refused(at, Some(bad.clone())), [at], "{bad}");
    }
}

#[test]
fn each_lawful_basis_has_the_term_of_its_letter() {
    for (basis, letter) in LawfulBasis::ALL.iter().zip('a'..='f') {
        assert_eq!(basis.dpv_term(), format!("eu-gdpr:A6-1-{letter}"));
    }
}

#[test]
fn documents_are_bounded() {
    assert_eq!(MAX_DOCUMENT, 1 << 20);
    let mut large = shop();
    large["purposes"]["fulfil"]["description"] = json!("x".repeat(MAX_DOCUMENT));
    assert_eq!(DataMap::parse(large).unwrap_err().code, Code::TooLarge);
    let mut many = shop();
    for n in 0..201 {
        many["categories"][format!("c{n}")] = shop()["categories"]["diet"].clone();
    }
    let refusal = DataMap::parse(many).unwrap_err();
    assert_eq!(refusal.errors[0].pointer, "/categories");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z/~0-9]{0,4}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_change_of_a_data_map_is_read_or_refused(
        at in prop::sample::select(&[
            "/categories", "/purposes", "/app", "/categories/profile", "/categories/profile/fields",
            "/categories/profile/fields/name/schema", "/categories/profile/fields/name/origin",
            "/purposes/fulfil/reads", "/purposes/fulfil", "/app/recipients", "/app/time_zone",
        ][..]),
        value in any_json(),
    ) {
        let mut document = shop();
        *document.pointer_mut(at).unwrap() = value;
        if let Err(refusal) = DataMap::parse(document) {
            prop_assert_eq!(refusal.code, Code::InvalidDataMap);
            prop_assert!(!refusal.errors.is_empty());
        }
    }
}

#[test]
fn a_purpose_may_read_what_finds_the_person() {
    let reading = |fields: Value| {
        let mut document = shop();
        document["purposes"]["newsletter"]["reads"]["identifiers"] = fields;
        DataMap::parse(document).and_then(CompiledDataMap::compile)
    };
    let (newsletter, identifiers) =
        (Name::new("newsletter").unwrap(), Name::new(IDENTIFIERS).unwrap());
    let read = |map: &CompiledDataMap| -> Vec<String> {
        let fields = &map.fields_for(&newsletter).unwrap()[&identifiers];
        fields.iter().map(ToString::to_string).collect()
    };
    assert_eq!(read(&reading(json!(["email"])).unwrap()), ["email"]);
    let all = reading(json!(["*"])).unwrap();
    assert_eq!(read(&all), ["email", "external_id", "phone"]);
    assert!(all.map().is_built_in(&identifiers));
    assert_eq!(all.category(&identifiers).unwrap_err().code, Code::UnknownCategory);
    let register = super::register::register(all.map());
    let activity = register.activities.iter().find(|a| a.purpose == newsletter).unwrap();
    let data = activity.data.iter().find(|data| data.category == identifiers).unwrap();
    assert!(data.built_in && data.kept_for.is_none());
    let kinds =
        [Classification::EmailAddress, Classification::PhoneNumber, Classification::Identifier];
    assert_eq!(data.kinds, kinds.into());
    let refusal = reading(json!(["email", "name"])).unwrap_err();
    assert_eq!(refusal.errors[0].pointer, "/purposes/newsletter/reads/identifiers");
}

#[test]
fn the_name_of_the_built_in_category_is_taken_but_in_older_versions() {
    let mut document = shop();
    document["categories"]["identifiers"] = document["categories"]["profile"].clone();
    document["purposes"]["fulfil"]["reads"]["identifiers"] = json!(["name"]);
    let refusal = DataMap::parse(document.clone()).unwrap_err();
    assert_eq!(refusal.code, Code::InvalidDataMap);
    assert_eq!(refusal.errors[0].pointer, "/categories/identifiers");
    let stored = DataMap::parse_stored(document).unwrap();
    assert!(!stored.is_built_in(&Name::new(IDENTIFIERS).unwrap()), "it is the app's own");
}

#[test]
fn what_counts_from_the_last_contact_is_told_by_category() {
    let map = CompiledDataMap::compile(DataMap::parse(shop()).unwrap()).unwrap();
    // 23:30 in UTC is the next day in Paris.
    let at = crate::clock::Time::parse("2026-03-04T23:30:00Z").unwrap();
    let starts = map.clock_starts_of_contact(at).unwrap();
    let day = crate::clock::Day::parse("2026-03-05").unwrap();
    assert_eq!(starts, [(Name::new("profile").unwrap(), day)].into());
}
