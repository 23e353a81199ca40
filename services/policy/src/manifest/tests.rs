#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::{Interface, Manifest, ManifestError, RuleKind, embed};

/// The preamble of an empty component.
const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

fn example() -> Value {
    json!({
        "manifest": 1, "name": "retention-schedule", "version": "1.0.0-rc.1",
        "author": "Example Ltd", "licence": "MIT", "interfaces": ["retention", "guard"],
        "rules": [{
            "code": "fr-accounting", "title": "French accounting records", "kind": "must-keep",
            "legal-reference": {"duration": "L123-22"}
        }],
        "rules-from-settings": "/rules",
        "settings-schema": {"type": "object"},
        "values": {"classifications": ["email_address"], "undeclared": true}
    })
}

fn parse(manifest: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(manifest.to_string().as_bytes())
}

#[test]
fn the_section_reads_back() {
    let manifest = parse(&example()).unwrap();
    let file = embed(&EMPTY, &manifest).unwrap();
    assert_eq!(Manifest::of_component(&file), Ok(manifest.clone()));
    assert!(manifest.has(Interface::Guard) && !manifest.has(Interface::Audit));
    assert_eq!(embed(&file, &manifest), Err(ManifestError::Twice));
    let section = file[EMPTY.len()..].to_vec();
    let twice = [file, section].concat();
    assert_eq!(Manifest::of_component(&twice), Err(ManifestError::Twice));
    for none in [EMPTY.as_slice(), b"", b"text"] {
        assert_eq!(Manifest::of_component(none), Err(ManifestError::Missing));
    }
}

#[test]
fn each_bound_is_named() {
    let wrong = [
        ("/manifest", json!(2), "manifest"),
        ("/name", json!("Retention"), "name"),
        ("/name", json!("a".repeat(64)), "name"),
        ("/version", json!("1.0"), "version"),
        ("/version", json!("1.0.01"), "version"),
        ("/version", json!("1.0.0-"), "version"),
        ("/author", json!(""), "author"),
        ("/author", json!("\u{1b}[31mred"), "author"),
        ("/licence", json!("x".repeat(201)), "licence"),
        ("/interfaces", json!([]), "interfaces"),
        ("/interfaces", json!(["audit", "audit"]), "interfaces"),
        ("/rules/0/code", json!("FR"), "rules.code"),
        ("/rules/0/title", json!("a\nb"), "rules.title"),
        ("/rules/0/legal-reference/duration", json!(""), "rules.legal-reference"),
        ("/rules-from-settings", json!("rules"), "rules-from-settings"),
        ("/rules-from-settings", json!("/a~2"), "rules-from-settings"),
        ("/settings-schema", json!({"type": "nothing"}), "settings-schema"),
        ("/settings-schema", json!({"$ref": "https://example.org/s"}), "settings-schema"),
        ("/settings-schema", json!({"title": "x".repeat(131_072)}), "settings-schema"),
        ("/values", json!({}), "values"),
    ];
    for (place, value, named) in wrong {
        let mut manifest = example();
        *manifest.pointer_mut(place).unwrap() = value;
        match parse(&manifest) {
            Err(ManifestError::Member { member, .. }) => assert_eq!(member, named, "{place}"),
            other => panic!("{place}: {other:?}"),
        }
    }
}

#[test]
fn other_forms_are_refused() {
    let mut unknown = example();
    unknown["licens"] = json!("MIT");
    assert!(matches!(parse(&unknown), Err(ManifestError::Form { line: 1, .. })));
    let mut kind = example();
    kind["rules"][0]["kind"] = json!("must_keep");
    assert!(matches!(parse(&kind), Err(ManifestError::Form { .. })));
    let twice = example().to_string().replacen('{', r#"{"name": "other","#, 1);
    for text in [twice.as_str(), "", "{", "\u{feff}{}"] {
        assert_eq!(Manifest::parse(text.as_bytes()), Err(ManifestError::NotJson), "{text}");
    }
    assert_eq!(Manifest::parse(&[0xff]), Err(ManifestError::NotJson));
    assert_eq!(Manifest::parse(&vec![b' '; 262_145]), Err(ManifestError::TooLong));
}

#[test]
fn settings_add_rules_and_keep_members_of_their_own() {
    let manifest = parse(&example()).unwrap();
    let rule = json!({"code": "prospects", "title": "Prospects", "kind": "limit", "years": 3});
    let rules = manifest.rules(&json!({"rules": [rule]})).unwrap();
    assert_eq!(rules.get("prospects").unwrap().kind, RuleKind::Limit);
    assert_eq!(rules.iter().count(), 2);
    let mut same = rule.clone();
    same["code"] = json!("fr-accounting");
    let mut badly_named = rule.clone();
    badly_named["code"] = json!("\u{1b}");
    let wrong = [
        json!({}),
        json!({"rules": {}}),
        json!({"rules": [1]}),
        json!({"rules": [rule, rule]}),
        json!({"rules": [same]}),
        json!({"rules": [badly_named]}),
        json!({"rules": vec![rule; 1_001]}),
    ];
    for settings in wrong {
        let refused = manifest.rules(&settings);
        assert!(matches!(refused, Err(ManifestError::Member { .. })), "{settings}");
    }
}
