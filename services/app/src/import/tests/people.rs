//! Who a line is about, when, and what is left of a line.

use futures_util::future::join_all;
use oubli_domain::consent::Action;
use oubli_domain::{Right, Time};
use oubli_store::records as rows;
use oubli_store::{consents, subjects};
use serde_json::json;

use super::{PAST, invoice, owner, person, refusal, told};
use crate::requests::world::{World, key, name};

#[tokio::test]
async fn people_are_found_completed_and_never_joined() {
    let world = World::new().await;
    let (ada, _bob) = (world.person("ada").await, world.person("bob").await);
    let lines = [
        person("1", &["ada@people.example", "ada@home.example"]),
        person("2", &["ada@home.example", "bob@people.example"]),
        person("3", &["new@people.example"]),
    ];
    assert_eq!(told(&world, &lines).await, ["imported", "identifiers-disagree", "imported"]);
    assert_eq!(owner(&world, "ada@home.example").await, Some(ada));
    let mut conn = world.oubli.data().conn().await.unwrap();
    let row = subjects::get(&mut conn, &world.app, ada).await.unwrap().unwrap();
    assert!(row.created_at > Time::parse(PAST).unwrap());
}

#[tokio::test]
async fn past_times_count_as_if_made_then() {
    let world = World::new().await;
    let mut ada = person("ada", &["ada@people.example"]);
    ada["last_contact"] = json!("2020-06-01T10:00:00Z");
    let mut profile = invoice("p", "ada", "main", &json!({ "name": "Ada" }));
    profile["category"] = json!("profile");
    let bill = invoice("i", "ada", "1", &json!({ "total": 1 }));
    assert_eq!(told(&world, &[ada, profile, bill]).await, ["imported"; 3]);
    let subject = owner(&world, "ada@people.example").await.unwrap();
    let mut conn = world.oubli.data().conn().await.unwrap();
    let row = subjects::get(&mut conn, &world.app, subject).await.unwrap().unwrap();
    assert_eq!(row.created_at, Time::parse(PAST).unwrap());
    for (category, record, start) in
        [("profile", "main", "2020-06-01"), ("invoice", "1", "2019-05-01")]
    {
        let key = key(subject, category, record);
        let row = rows::get(&mut conn, &world.app, &key).await.unwrap().unwrap();
        assert_eq!(row.created_at, Time::parse(PAST).unwrap());
        assert_eq!(row.clock_start.unwrap().to_string(), start);
        assert_eq!(row.updated_at, world.oubli.now());
    }
}

#[tokio::test]
async fn consents_keep_their_times_and_the_state_is_the_fold() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let id = ada.to_string();
    let lines = [
        refusal("2", &id, "withdrawn", "2021-01-01T00:00:00Z"),
        refusal("1", &id, "refused", "2020-01-01T00:00:00Z"),
        refusal("3", &id, "refused", "2021-01-01T00:00:00Z"),
    ];
    assert_eq!(told(&world, &lines).await, ["imported"; 3]);
    let mut conn = world.oubli.data().conn().await.unwrap();
    let events = consents::history(&mut conn, &world.app, ada, None, 10).await.unwrap();
    let events: Vec<_> = events.into_iter().map(|stored| stored.event).collect();
    let times: Vec<String> = events.iter().map(|e| e.occurred_at.to_string()).collect();
    assert!(times[0].starts_with("2021") && times[1].starts_with("2020"));
    let latest = consents::latest(&mut conn, &world.app, ada, &name("newsletter")).await.unwrap();
    assert_eq!(latest.0.as_ref().unwrap().action, Action::Withdrawn, "on a tie it wins");
    assert_eq!(latest, oubli_domain::consent::Latest::fold(events));
}

#[tokio::test]
async fn one_batch_from_many_sides_is_applied_once() {
    let world = World::new().await;
    let mut lines = vec![person("nameless", &[])];
    for n in 0..20 {
        let id = format!("p-{n}");
        lines.push(person(&id, &[&format!("{id}@people.example")]));
        lines.push(invoice(&format!("i-{n}"), &id, "1", &json!({ "total": n })));
        lines.push(refusal(&format!("c-{n}"), &id, "refused", PAST));
    }
    let all = join_all((0..4).map(|_| told(&world, &lines))).await;
    for n in 0..lines.len() {
        let words: Vec<&str> = all.iter().map(|told| told[n].as_str()).collect();
        assert_eq!(words.iter().filter(|word| **word == "imported").count(), 1, "{words:?}");
        assert_eq!(words.iter().filter(|word| **word == "unchanged").count(), 3, "{words:?}");
    }
    let mut conn = world.oubli.data().conn().await.unwrap();
    assert_eq!(subjects::list(&mut conn, &world.app, None, 100).await.unwrap().len(), 21);
}

#[tokio::test]
async fn the_line_of_one_who_was_erased_is_new_again() {
    let world = World::new().await;
    let lines =
        [person("ada", &["ada@people.example"]), invoice("i", "ada", "1", &json!({ "total": 1 }))];
    assert_eq!(told(&world, &lines).await, ["imported"; 2]);
    let first = owner(&world, "ada@people.example").await.unwrap();
    world.request(Right::Erasure, first).await;
    world.work().await;
    world.clock.advance(120);
    world.work().await;
    assert_eq!(owner(&world, "ada@people.example").await, None);
    assert_eq!(told(&world, &lines[1..]).await, ["subject-not-found"]);
    assert_eq!(told(&world, &lines).await, ["imported"; 2]);
    assert_ne!(owner(&world, "ada@people.example").await.unwrap(), first);
}

#[tokio::test]
async fn claims_that_a_killed_import_left_are_taken_over() {
    let world = World::new().await;
    let lines: Vec<_> =
        (0..5).map(|n| person(&n.to_string(), &[&format!("p{n}@people.example")])).collect();
    // Everything that an import does before its process dies.
    for n in 0..5 {
        let new = crate::subjects::NewIdentifier {
            kind: oubli_domain::IdentifierType::Email,
            value: oubli_domain::Pii::new(format!("p{n}@people.example")),
        };
        let mut conn = world.oubli.data().conn().await.unwrap();
        let model = world.oubli.model(&mut conn, &world.app).await.unwrap();
        let new = crate::subjects::prepare_for(&model, vec![new]).unwrap();
        let draft = crate::subjects::Draft::new(&world.oubli, &world.call(), &new).await.unwrap();
        let claimed = world.oubli.keys().write("test", move |tx| {
            let draft = draft.clone();
            Box::pin(async move { crate::subjects::Draft::insert_claims(tx, &[draft]).await })
        });
        claimed.await.unwrap();
    }
    world.clock.advance(6);
    assert_eq!(told(&world, &lines).await, ["imported"; 5]);
    assert!(owner(&world, "p4@people.example").await.is_some());
}
