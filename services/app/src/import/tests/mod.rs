#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exported;
mod people;

use oubli_domain::{Code, SubjectId};
use serde_json::{Value, json};

use super::{ImportLine, LineResult, apply};
use crate::requests::world::World;
use crate::subjects::{SubjectSelector, lookup};

const PAST: &str = "2019-05-01T10:00:00Z";

fn person(id: &str, addresses: &[&str]) -> Value {
    let identifiers: Vec<Value> =
        addresses.iter().map(|a| json!({ "type": "email", "value": a })).collect();
    json!({ "type": "subject", "id": id, "identifiers": identifiers, "created_at": PAST })
}

fn invoice(id: &str, subject: &str, record: &str, body: &Value) -> Value {
    json!({
        "type": "record", "id": id, "subject": subject, "category": "invoice", "record": record,
        "body": body, "created_at": PAST,
    })
}

fn refusal(id: &str, subject: &str, action: &str, at: &str) -> Value {
    json!({
        "type": "consent", "id": id, "subject": subject, "purpose": "newsletter",
        "action": action, "occurred_at": at,
    })
}

async fn import(world: &World, lines: &[Value]) -> Vec<LineResult> {
    let lines = lines.iter().cloned().map(ImportLine::read).collect();
    apply(&world.oubli, &world.call(), lines).await.unwrap()
}

/// One word for each line: `imported`, `unchanged`, or the problem.
async fn told(world: &World, lines: &[Value]) -> Vec<String> {
    let results = import(world, lines).await.into_iter();
    let tell = |result| match result {
        LineResult::Imported => "imported".to_owned(),
        LineResult::Unchanged => "unchanged".to_owned(),
        LineResult::Refused { problem, .. } => problem,
    };
    results.map(tell).collect()
}

async fn owner(world: &World, address: &str) -> Option<SubjectId> {
    let kind = oubli_domain::IdentifierType::Email;
    let value = oubli_domain::Pii::new(address.to_owned());
    let selector = SubjectSelector::Identifier { kind, value };
    match lookup(&world.oubli, &world.caller(), &selector).await {
        Ok(found) => Some(found.subject),
        Err(error) => {
            assert_eq!(error.refusal().code, Code::SubjectNotFound);
            None
        }
    }
}

#[tokio::test]
async fn a_batch_is_applied_once_whatever_comes_again() {
    let world = World::new().await;
    let lines = [
        invoice("i-1", "crm-1", "INV-1", &json!({ "total": 5 })),
        person("crm-1", &["ada@people.example"]),
        refusal("c-1", "crm-1", "refused", PAST),
        person("nameless", &[]),
    ];
    assert_eq!(told(&world, &lines).await, ["imported"; 4]);
    assert_eq!(told(&world, &lines).await, ["unchanged"; 4]);
    // The order of members is not content.
    let ada = r#"{"identifiers":[{"value":"ada@people.example","type":"email"}],
        "created_at":"2019-05-01T10:00:00Z","id":"crm-1","type":"subject"}"#;
    assert_eq!(told(&world, &[serde_json::from_str(ada).unwrap()]).await, ["unchanged"]);
    let others = [
        invoice("i-1", "crm-1", "INV-1", &json!({ "total": 6 })),
        person("crm-1", &["other@people.example"]),
        refusal("c-1", "crm-1", "withdrawn", PAST),
    ];
    assert_eq!(told(&world, &others).await, ["line-reused"; 3]);
    assert_eq!(owner(&world, "other@people.example").await, None);
    // Ids count within their type.
    let same = [person("i-1", &[]), refusal("crm-1", "crm-1", "refused", PAST)];
    assert_eq!(told(&world, &same).await, ["imported"; 2]);
}

#[tokio::test]
async fn lines_of_one_batch_that_hang_together_go_one_after_another() {
    let world = World::new().await;
    let lines = [
        person("a", &["a@people.example"]),
        person("b", &["a@people.example", "b@people.example"]),
        person("a", &["a@people.example"]),
        person("c", &["B@people.example"]),
        person("a", &["c@people.example"]),
        invoice("i", "c", "1", &json!({ "total": 1 })),
        invoice("i", "c", "1", &json!({ "total": 1 })),
        invoice("j", "a", "1", &json!({ "total": 2 })),
    ];
    let wanted = [
        "imported",
        "imported",
        "unchanged",
        "imported",
        "line-reused",
        "imported",
        "unchanged",
        "record-exists",
    ];
    assert_eq!(told(&world, &lines).await, wanted);
    assert_eq!(owner(&world, "a@people.example").await, owner(&world, "b@people.example").await);
}

#[tokio::test]
async fn bad_lines_are_refused_and_hold_up_no_others() {
    let world = World::new().await;
    world.person("there").await;
    let there = owner(&world, "there@people.example").await.unwrap();
    world.put(there, "invoice", "taken", json!({ "total": 1 })).await;
    let by = |line: Value| {
        let mut line = line;
        line.as_object_mut().unwrap().remove("subject");
        line["identifier"] = json!({ "type": "email", "value": "there@people.example" });
        line
    };
    let future = "2026-01-15T12:00:01Z";
    let mut late = person("late", &[]);
    late["last_contact"] = json!(future);
    let lines = [
        json!(["no line"]),
        json!({ "type": "begin", "format": "oubli-import/1" }),
        late,
        person("bad", &["no address"]),
        by(invoice("r1", "", "taken", &json!({ "total": 2 }))),
        by(invoice("r2", "", "x", &json!({ "undeclared": 2 }))),
        by(invoice("r3", "", "y", &json!({ "total": "much" }))),
        invoice("r4", "nobody", "x", &json!({ "total": 2 })),
        by(refusal("c1", "", "granted", PAST)),
        by(refusal("c2", "", "refused", future)),
        by(invoice("good", "", "x", &json!({ "total": 3 }))),
    ];
    let wanted = [
        "invalid-body",
        "invalid-body",
        "future-time",
        "invalid-identifier",
        "record-exists",
        "invalid-record",
        "invalid-record",
        "subject-not-found",
        "invalid-consent",
        "future-time",
        "imported",
    ];
    assert_eq!(told(&world, &lines).await, wanted);
    let mut unknown = by(invoice("u", "", "x", &json!({})));
    unknown["category"] = json!("nothing");
    let mut purpose = by(refusal("p", "", "refused", PAST));
    purpose["purpose"] = json!("nothing");
    let wanted = ["unknown-category", "unknown-purpose"];
    assert_eq!(told(&world, &[unknown, purpose]).await, wanted);
    let result = import(&world, &lines[6..7]).await.remove(0);
    let LineResult::Refused { status: 422, errors, .. } = result else { panic!("{result:?}") };
    assert_eq!(errors[0].pointer, "/body/total");
}

#[tokio::test]
async fn a_batch_has_1_to_1000_lines() {
    let world = World::new().await;
    for count in [0, 1_001] {
        let lines = (0..count).map(|n| ImportLine::read(person(&n.to_string(), &[])));
        let result = apply(&world.oubli, &world.call(), lines.collect()).await;
        assert_eq!(crate::testing::refused(result), Code::InvalidBody);
    }
}
