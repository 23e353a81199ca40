#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::{Value, json};

use super::{EndedPurpose, FORMAT, Line, LineType, MAX_LINE, SCHEMA, Whose};
use crate::clock::Time;
use crate::consent::{Action, Gpp};
use crate::identifier::IdentifierType;
use crate::pii::Pii;
use crate::problem::Code;

fn good() -> Vec<Value> {
    vec![
        json!({"type": "begin", "format": FORMAT, "app": "shop", "created_at": "2026-01-01T00:00:00Z"}),
        json!({"type": "subject", "id": "crm-17", "identifiers": [
            {"type": "email", "value": "ada@example.org"}],
            "created_at": "2020-01-01T00:00:00+01:00", "last_contact": "2021-01-01T00:00:00Z",
            "ended_purposes": [{"purpose": "fulfil", "ended_at": "2021-01-01T00:00:00Z"}]}),
        json!({"type": "subject", "id": "!", "identifiers": []}),
        json!({"type": "record", "id": "r", "subject": "crm-17", "category": "invoice",
            "record": "INV-1", "body": {"total": 1}, "created_at": "2020-01-01T00:00:00Z"}),
        json!({"type": "consent", "id": "c", "identifier": {"type": "phone", "value": "1"},
            "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "de-AT",
            "notice": "news", "signals": {"gpc": true, "gpp": "DBABMA~CHOICE"},
            "occurred_at": "2020-01-01T00:00:00Z"}),
        json!({"type": "end", "lines": 4, "sha256": "0".repeat(64)}),
    ]
}

#[test]
fn the_schema_takes_what_is_read_and_refuses_what_is_not() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let published = jsonschema::draft202012::options().offline().build(&schema).unwrap();
    for line in good() {
        assert!(published.is_valid(&line), "{line}");
        Line::parse(line).unwrap();
    }
    for (line, _) in bad() {
        assert!(Line::parse(line.clone()).is_err(), "{line}");
    }
    for kind in LineType::ALL {
        assert!(!schema["$defs"][kind.as_str()].is_null(), "{kind}");
    }
}

/// Lines with the first place that is wrong.
fn bad() -> Vec<(Value, &'static str)> {
    let with = |n: usize, member: &str, value: Value| {
        let mut line = good()[n].clone();
        line[member] = value;
        line
    };
    vec![
        (json!(1), ""),
        (json!({}), "/type"),
        (json!({"type": "person"}), "/type"),
        (with(0, "format", json!("other/2")), "/format"),
        (with(1, "id", json!("")), "/id"),
        (with(1, "id", json!("a b")), "/id"),
        (with(1, "id", json!("a".repeat(129))), "/id"),
        (with(1, "id", json!(17)), "/id"),
        (with(1, "identifiers", json!([{"type": "name", "value": "Ada"}])), "/identifiers/0/type"),
        (with(1, "identifiers", json!([{"type": "email"}])), "/identifiers/0/value"),
        (with(1, "created_at", json!("yesterday")), "/created_at"),
        (with(1, "last_contact", json!("1969-01-01T00:00:00Z")), "/last_contact"),
        (with(1, "secret name", json!(1)), ""),
        (with(1, "ended_purposes", json!([{"purpose": "fulfil"}])), "/ended_purposes/0/ended_at"),
        (
            with(1, "ended_purposes", json!([{"purpose": "fulfil", "ended_at": "2020"}])),
            "/ended_purposes/0/ended_at",
        ),
        (json!({"type": "subject", "id": "a"}), "/identifiers"),
        (with(3, "category", json!("Invoice")), "/category"),
        (with(3, "record", json!("a/b")), "/record"),
        (with(3, "body", json!([])), "/body"),
        (with(3, "identifier", json!({"type": "email", "value": "a@b.c"})), ""),
        (json!({"type": "record", "id": "r", "category": "c", "record": "r", "body": {}}), ""),
        (with(4, "action", json!("maybe")), "/action"),
        (with(4, "notice_version", json!(0)), "/notice_version"),
        (with(4, "notice", json!("News")), "/notice"),
        (with(4, "signals", json!({"gpc": "yes"})), "/signals/gpc"),
        (with(4, "signals", json!({"gpp": "CPXxRf"})), "/signals/gpp"),
        (with(4, "language", json!("german")), "/language"),
        (with(4, "occurred_at", json!("2020-01-01")), "/occurred_at"),
        (with(5, "sha256", json!("0")), "/sha256"),
        (with(5, "lines", json!(-1)), "/lines"),
    ]
}

#[test]
fn a_refusal_names_the_place_and_never_the_value() {
    for (line, place) in bad() {
        let refusal = Line::parse(line.clone()).unwrap_err();
        assert!(matches!(refusal.code, Code::InvalidBody | Code::InvalidTime), "{line}");
        assert_eq!(refusal.errors[0].pointer, place, "{line}");
        assert!(!format!("{refusal:?}").contains("secret"), "{line}");
    }
}

#[test]
fn a_line_shows_nothing_of_the_person() {
    for line in good() {
        let shown = format!("{:?}", Line::parse(line).unwrap());
        for value in ["crm-17", "ada@", "total", "CHOICE"] {
            assert!(!shown.contains(value), "{shown}");
        }
    }
    let Line::Record(record) = Line::parse(good()[3].clone()).unwrap() else { panic!("a record") };
    assert!(matches!(record.whose, Whose::Subject(id) if id.expose() == "crm-17"));
}

fn read(n: usize) -> Line {
    Line::parse(good()[n].clone()).unwrap()
}

fn at(text: &str) -> Time {
    Time::parse(text).unwrap()
}

#[test]
fn a_person_is_read_whole() {
    let Line::Subject(line) = read(1) else { panic!("a person") };
    assert_eq!(line.identifiers, [(IdentifierType::Email, Pii::new("ada@example.org".into()))]);
    assert_eq!(line.created_at, Some(at("2019-12-31T23:00:00Z")));
    assert_eq!(line.last_contact, Some(at("2021-01-01T00:00:00Z")));
    let ended_at = at("2021-01-01T00:00:00Z");
    let purpose = "fulfil".parse().unwrap();
    assert_eq!(line.ended_purposes, [EndedPurpose { purpose, ended_at }]);
    let Line::Subject(line) = read(2) else { panic!("a person") };
    assert_eq!((line.created_at, line.last_contact), (None, None));
    assert!(line.identifiers.is_empty() && line.ended_purposes.is_empty());
}

#[test]
fn a_record_and_a_consent_are_read_whole() {
    let Line::Record(line) = read(3) else { panic!("a record") };
    assert_eq!((line.category.as_str(), line.record.as_str()), ("invoice", "INV-1"));
    assert_eq!(line.body.0, json!({"total": 1}));
    assert_eq!(line.created_at, Some(at("2020-01-01T00:00:00Z")));
    let Line::Consent(line) = read(4) else { panic!("a consent") };
    assert_eq!(line.whose, Whose::Identifier(IdentifierType::Phone, Pii::new("1".into())));
    assert_eq!((line.purpose.as_str(), line.action), ("newsletter", Action::Granted));
    let shown = (line.notice.unwrap(), line.notice_version, line.language.unwrap());
    assert_eq!((shown.0.as_str(), shown.1, shown.2.as_str()), ("news", Some(1), "de-AT"));
    assert_eq!(line.occurred_at, at("2020-01-01T00:00:00Z"));
    assert_eq!(line.signals.gpc, Some(true));
    assert_eq!(line.signals.gpp.as_ref().map(Gpp::expose), Some("DBABMA~CHOICE"));
    let Line::End(line) = read(5) else { panic!("the end") };
    assert_eq!((line.lines, line.sha256), (4, "0".repeat(64)));
}

#[test]
fn lines_in_between_have_ids() {
    let ids = [None, Some("crm-17"), Some("!"), Some("r"), Some("c"), None];
    for (n, id) in ids.into_iter().enumerate() {
        assert_eq!(read(n).id().map(|id| id.expose().as_str()), id);
    }
    assert_eq!(MAX_LINE, 1 << 20);
}
