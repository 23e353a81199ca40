//! What an export writes, and that an import makes the same of it.

use oubli_domain::SubjectId;
use oubli_domain::consent::{Action, Language, Signals};
use oubli_domain::request::SubjectState;
use oubli_store::{consents as rows, purpose_ends, subjects};
use serde_json::{Value, json};

use super::{PAST, told};
use crate::app_export::{Exported, export_app};
use crate::consents::{self, NewConsent, RecordedEvent};
use crate::notices::tests::notice;
use crate::requests::world::{World, name};
use crate::{data_map, notices, purposes};

/// The lines of an export but for the first and the last.
async fn exported(world: &World) -> (Vec<Value>, Exported) {
    let mut text = Vec::new();
    let mut sink = |line: &[u8]| {
        text.extend_from_slice(line);
        Ok(())
    };
    let done = export_app(&world.oubli, &world.caller(), &mut sink).await.unwrap();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    (lines[1..lines.len() - 1].to_vec(), done)
}

/// Changes the data map in force.
async fn remap(world: &World, change: impl FnOnce(&mut Value)) {
    let mut map = data_map::get(&world.oubli, &world.caller(), None).await.unwrap().document;
    change(&mut map);
    data_map::put(&world.oubli, &world.call(), map).await.unwrap();
}

async fn rename_notice(world: &World, to: &str) {
    remap(world, |map| map["purposes"]["newsletter"]["notice"] = json!(to)).await;
}

async fn publish(world: &World) {
    let text = notice(&[("en", "Letters")], false);
    notices::put(&world.oubli, &world.call(), &name("newsletter"), &text).await.unwrap();
}

async fn grant(world: &World, subject: SubjectId) {
    let new = NewConsent {
        purpose: name("newsletter"),
        action: Action::Granted,
        notice_version: Some(1),
        language: Some(Language::new("en").unwrap()),
        id: None,
        signals: Signals { gpc: Some(false), gpp: None },
    };
    consents::record(&world.oubli, &world.call(), subject, &new).await.unwrap();
}

/// What a person did, without what each installation gives anew.
async fn history(world: &World, subject: SubjectId) -> Vec<(Action, String, Signals)> {
    let mut conn = world.oubli.data().conn().await.unwrap();
    let stored = rows::history(&mut conn, &world.app, subject, None, 10).await.unwrap();
    drop(conn);
    let key = world.oubli.keyring().data_key(&world.app, subject).await.unwrap();
    let open = |stored| {
        let RecordedEvent { event, signals } = RecordedEvent::open(&key, stored).unwrap();
        (event.action, format!("{:?} {}", event.shown, event.occurred_at), signals)
    };
    stored.into_iter().map(open).collect()
}

async fn set_state(world: &World, subject: SubjectId, to: SubjectState) {
    let app = world.app.clone();
    let set = world.oubli.data().write("test", move |tx| {
        let app = app.clone();
        Box::pin(async move { subjects::set_state(tx, &app, subject, to).await })
    });
    set.await.unwrap();
}

#[tokio::test]
async fn an_ended_contract_a_former_notice_and_signals_travel() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    publish(&world).await;
    grant(&world, ada).await;
    let ended = purposes::end(&world.oubli, &world.call(), ada, &name("fulfil")).await.unwrap();
    rename_notice(&world, "mail").await;
    let (lines, _) = exported(&world).await;
    let granted = lines.iter().position(|line| line["action"] == "granted").unwrap();
    assert_eq!(lines[granted]["notice"], "newsletter");

    let other = World::new().await;
    // The grant is later than the refusal before it, and so than the clock.
    other.clock.advance(1);
    rename_notice(&other, "mail").await;
    let first = told(&other, &lines).await;
    assert_eq!(first[granted], "invalid-consent", "it has no such text");
    rename_notice(&other, "newsletter").await;
    publish(&other).await;
    rename_notice(&other, "mail").await;
    let second = told(&other, &lines).await;
    assert_eq!((first.len(), second[granted].as_str()), (lines.len(), "imported"));
    assert!(!second.iter().any(|word| word.contains('-')), "{second:?}");

    let there = super::owner(&other, "ada@people.example").await.unwrap();
    let mut conn = other.oubli.data().conn().await.unwrap();
    let at = purpose_ends::get(&mut conn, &other.app, there, &name("fulfil")).await.unwrap();
    drop(conn);
    assert_eq!(at, Some(ended.ended_at));
    assert_eq!(history(&other, there).await, history(&world, ada).await);
}

#[tokio::test]
async fn only_purposes_under_contract_are_ended_and_those_who_are_there_too() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let line = |id: &str, purpose: &str, at: &str| {
        let mut line = super::person(id, &["ada@people.example"]);
        line["ended_purposes"] = json!([{ "purpose": purpose, "ended_at": at }]);
        line
    };
    let lines = [
        line("1", "nothing", PAST),
        line("2", "newsletter", PAST),
        line("3", "fulfil", "2026-01-15T12:00:01Z"),
        line("4", "fulfil", PAST),
        line("5", "fulfil", "2020-01-01T00:00:00Z"),
    ];
    let wanted = ["unknown-purpose", "purpose-not-contract", "future-time", "imported", "imported"];
    assert_eq!(told(&world, &lines).await, wanted);
    let mut conn = world.oubli.data().conn().await.unwrap();
    let at = purpose_ends::list(&mut conn, &world.app, ada).await.unwrap();
    assert_eq!(at, [(name("fulfil"), oubli_domain::Time::parse(PAST).unwrap())], "the first end");
}

#[tokio::test]
async fn an_altered_line_of_the_own_export_is_no_repeat() {
    let world = World::new().await;
    world.customer("ada").await;
    let (lines, _) = exported(&world).await;
    let line = lines.iter().find(|line| line["type"] == "consent").unwrap();
    assert_eq!(line["signals"], json!({ "gpc": true, "gpp": "DBABMA~CHOICE" }));
    let with = |member: &str, value: Value| {
        let mut line = line.clone();
        line[member] = value;
        line
    };
    let altered = [
        with("purpose", json!("books")),
        with("action", json!("withdrawn")),
        with("occurred_at", json!(PAST)),
        with("notice_version", json!(1)),
        with("notice", json!("newsletter")),
        with("signals", json!({ "gpc": false, "gpp": "DBABMA~CHOICE" })),
    ];
    assert_eq!(told(&world, &altered).await, ["line-reused"; 6]);
    let mut without = line.clone();
    without.as_object_mut().unwrap().remove("signals");
    assert_eq!(told(&world, &[line.clone(), without]).await, ["unchanged"; 2]);
}

#[tokio::test]
async fn what_is_not_declared_any_more_is_left_out_and_counted() {
    let world = World::new().await;
    world.customer("ada").await;
    let shrink = |map: &mut Value| {
        map["categories"].as_object_mut().unwrap().remove("invoice");
        map["categories"]["profile"]["fields"].as_object_mut().unwrap().remove("tags");
        map["purposes"].as_object_mut().unwrap().remove("books");
        map["purposes"]["fulfil"]["reads"] = json!({ "profile": ["name"] });
    };
    remap(&world, shrink).await;
    let (lines, done) = exported(&world).await;
    assert_eq!((done.records, done.undeclared_records, done.undeclared_fields), (1, 1, 1));
    let other = World::new().await;
    remap(&other, shrink).await;
    assert_eq!(told(&other, &lines).await, ["imported"; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_restricted_meanwhile_is_written_no_further() {
    let world = World::new().await;
    let people = [world.customer("ada").await, world.customer("bob").await];
    let mut seen = Vec::new();
    let mut sink = |line: &[u8]| {
        let line: Value = serde_json::from_slice(line).unwrap();
        // Both are on the page that is being written.
        if line["type"] == "subject" {
            let restrict = async {
                for subject in people {
                    set_state(&world, subject, SubjectState::Restricted).await;
                }
            };
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(restrict));
        }
        seen.push(line["type"].as_str().unwrap().to_owned());
        Ok(())
    };
    let done = export_app(&world.oubli, &world.caller(), &mut sink).await.unwrap();
    assert_eq!(seen, ["begin", "subject", "end"]);
    assert_eq!((done.subjects, done.records, done.restricted), (1, 0, 2));
}

#[tokio::test]
async fn one_who_is_erased_meanwhile_holds_up_nobody_else() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    world.lose_key(ada, None).await;
    let lines =
        [super::person("1", &["ada@people.example"]), super::person("2", &["bob@people.example"])];
    assert_eq!(told(&world, &lines).await, ["subject-not-found", "imported"]);
}
