//! `oubli import` and `oubli export` as a person runs them: whole, cut short, and on bad input.

mod interrupted;
mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use oubli_tests::{Engine, both_engines};
use serde_json::{Value, json};

use super::installation::{Ended, Installation, open_shop};

const PAST: &str = "2020-02-01T08:00:00Z";

/// An installation with a shop that declares the harness's data map; no service runs.
pub(crate) async fn shop(engine: Engine) -> Installation {
    let own = Installation::new(engine).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    open_shop(&process, &client).await;
    process.stop().await;
    own
}

/// A person's lines: the person, a profile, an invoice, a grant and a withdrawal.
pub(crate) fn person(n: usize) -> Vec<Value> {
    let id = format!("crm-{n}");
    let consent = |action: &str, at: &str| {
        let mut line = json!({
            "type": "consent", "id": format!("c-{action}-{n}"), "subject": id,
            "purpose": "newsletter", "action": action, "occurred_at": at,
        });
        if action == "granted" {
            line["notice_version"] = json!(1);
            line["language"] = json!("en");
        }
        line
    };
    let record = |category: &str, body: Value| {
        json!({
            "type": "record", "id": format!("{category}-{n}"), "subject": id,
            "category": category, "record": "main", "body": body, "created_at": PAST,
        })
    };
    vec![
        json!({
            "type": "subject", "id": id, "created_at": PAST, "last_contact": "2021-01-01T00:00:00Z",
            "identifiers": [{ "type": "email", "value": format!("p{n}@people.example") }],
        }),
        record("profile", json!({ "name": format!("Person {n}"), "city": "Brno" })),
        record("invoice", json!({ "date": "2020-03-01", "total": n })),
        consent("granted", "2020-02-01T09:00:00Z"),
        consent("withdrawn", "2022-02-01T09:00:00Z"),
    ]
}

pub(crate) fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
}

pub(crate) fn write(own: &Installation, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = own.path(name);
    fs::write(&path, text).unwrap();
    path
}

pub(crate) async fn import(own: &Installation, name: &str) -> Ended {
    own.run(&["import", "--app", "shop", "--rejects", "rejects", name]).await
}

/// The row of a type in the summary: imported, unchanged, rejected.
#[track_caller]
pub(crate) fn counts(ended: &Ended, kind: &str) -> [u64; 3] {
    let row = ended.stdout.lines().find_map(|line| line.strip_prefix(kind)).unwrap();
    let numbers: Vec<u64> = row.split_whitespace().map(|n| n.parse().unwrap()).collect();
    numbers.try_into().unwrap()
}

/// What an app holds, without the ids that differ from app to app: everything of each person, by
/// their first identifier.
pub(crate) async fn content(own: &Installation, app: &str) -> BTreeMap<String, Vec<Value>> {
    let ended = own.run(&["export", "--app", app, "-"]).await.succeeds();
    let (mut names, mut people) = (BTreeMap::new(), BTreeMap::<String, Vec<Value>>::new());
    for line in ended.stdout.lines() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let owner = match line["type"].as_str().unwrap() {
            "subject" => {
                let name = line["identifiers"][0]["value"].to_string();
                names.insert(line["id"].to_string(), name.clone());
                name
            }
            "record" | "consent" => names[&line["subject"].to_string()].clone(),
            _ => continue,
        };
        let members = line.as_object_mut().unwrap();
        members.remove("id");
        members.remove("subject");
        people.entry(owner).or_default().push(line);
    }
    people
}

both_engines! {
    async fn a_file_is_imported_once_and_an_export_of_it_is_equal(engine: Engine) {
        let own = shop(engine).await;
        let lines: Vec<Value> = (0..30).flat_map(person).collect();
        write(&own, "people.ndjson", text(&lines));
        let first = import(&own, "people.ndjson").await.succeeds();
        assert_eq!(counts(&first, "subject"), [30, 0, 0]);
        assert_eq!(counts(&first, "record"), [60, 0, 0]);
        assert_eq!(counts(&first, "consent"), [60, 0, 0]);
        assert!(!own.path("people.ndjson.oubli-progress").exists());
        fs::remove_file(own.path("rejects")).unwrap();
        let again = import(&own, "people.ndjson").await.succeeds();
        assert_eq!(counts(&again, "subject"), [0, 30, 0]);
        assert_eq!(counts(&again, "consent"), [0, 60, 0]);

        own.run(&["export", "--app", "shop", "shop.ndjson"]).await.succeeds();
        let mode = fs::metadata(own.path("shop.ndjson")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let twice = own.run(&["export", "--app", "shop", "shop.ndjson"]).await;
        twice.fails_saying(&["exists", "not overwritten"]);
        // Into the very same app it says nothing new but of records that are there.
        let same = own.run(&["import", "--app", "shop", "shop.ndjson"]).await;
        assert_eq!(same.code, Some(2), "{same:?}");
        assert_eq!(counts(&same, "consent"), [0, 60, 0]);
        assert_eq!(counts(&same, "record"), [0, 0, 60]);

        let other = shop(engine).await;
        fs::copy(own.path("shop.ndjson"), other.path("shop.ndjson")).unwrap();
        other.run(&["import", "--app", "shop", "shop.ndjson"]).await.succeeds();
        let (left, right) = (content(&own, "shop").await, content(&other, "shop").await);
        assert_eq!(left.len(), 30);
        assert_eq!(left, right);
    }
}
