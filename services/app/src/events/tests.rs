#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use futures_util::TryStreamExt as _;
use oubli_domain::{Code, EventId, Right, SubjectId, Time};

use super::{EventPosition, EventQuery, FoundEvent, export, list};
use crate::caller::Actor;
use crate::log::KINDS;
use crate::requests::world::World;
use crate::testing::{START, refused};

impl World {
    async fn found(&self, query: &EventQuery) -> Vec<FoundEvent> {
        list(&self.oubli, &self.caller(), query, None, 1_000).await.unwrap().events
    }

    async fn exported(&self, query: &EventQuery) -> Vec<Vec<FoundEvent>> {
        let stream = export(&self.oubli, &self.caller(), query).await.unwrap();
        stream.try_collect().await.unwrap()
    }
}

fn of(kind: &str) -> EventQuery {
    EventQuery { kind: Some(kind.to_owned()), ..EventQuery::default() }
}

fn ids(events: &[FoundEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.event).collect()
}

#[tokio::test]
async fn events_are_found_by_person_actor_type_and_time() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    world.clock.advance(60);
    world.customer("bob").await;
    let all = world.found(&EventQuery::default()).await;
    let reads = world.found(&of("record.read")).await;
    assert_eq!(reads.len(), 2);
    assert!(reads.iter().all(|event| event.leaf["type"] == "record.read"));
    assert!(reads.iter().all(|event| event.payload.is_none()));
    let hers = EventQuery { subject: Some(ada), ..of("record.read") };
    assert_eq!(world.found(&hers).await, reads[..1]);
    let from = Some(START.plus_seconds(60));
    let later = world.found(&EventQuery { from, ..EventQuery::default() }).await;
    let earlier = world.found(&EventQuery { to: from, ..EventQuery::default() }).await;
    assert_eq!(later.len() + earlier.len(), all.len() + 1, "and the search for her");
    let query = EventQuery { actor: Some(Actor::System), from, ..of("record.read") };
    assert_eq!(world.found(&query).await, reads[1..]);
    let nobody = "staff:usr_00000000000000000000000000000000".parse().unwrap();
    let query = EventQuery { actor: Some(nobody), ..EventQuery::default() };
    assert_eq!(world.found(&query).await, []);
}

#[tokio::test]
async fn payloads_are_told_while_the_person_is_there() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let query = EventQuery { payloads: true, ..of("record.read") };
    let payload = world.found(&query).await[0].payload.clone().unwrap();
    assert_eq!(payload["purpose"], "fulfil");
    world.request(Right::Erasure, ada).await;
    assert_eq!(world.found(&query).await[0].payload, None, "already while erasing");
    let hers = EventQuery { subject: Some(ada), ..EventQuery::default() };
    let page = list(&world.oubli, &world.caller(), &hers, None, 10).await;
    assert_eq!(refused(page), Code::SubjectErasing);
    let searches = world.found(&of("events.searched")).await;
    assert_eq!(searches.len(), 2);
    assert_eq!(searches[0].leaf["facts"]["payloads"], true);
    assert_eq!(searches[0].leaf["facts"]["type"], "record.read");
}

#[tokio::test]
async fn the_pages_of_a_logged_search_end() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    // The ids of one millisecond are in no order.
    world.clock.advance(1);
    let hers = EventQuery { subject: Some(ada), ..EventQuery::default() };
    let (mut after, mut found): (Option<EventPosition>, Vec<EventId>) = (None, Vec::new());
    loop {
        let page = list(&world.oubli, &world.caller(), &hers, after, 1).await.unwrap();
        found.extend(ids(&page.events));
        assert!(found.len() < 20);
        match page.next {
            Some(next) => after = Some(next.to_string().parse().unwrap()),
            None => break,
        }
    }
    world.clock.advance(1);
    let kinds: Vec<_> = world.found(&hers).await.into_iter().map(|event| event.leaf).collect();
    let searches = kinds.iter().filter(|leaf| leaf["type"] == "events.searched").count();
    assert_eq!((found.len(), searches), (5, found.len() + 1));
}

#[tokio::test]
async fn an_export_holds_every_event_up_to_its_beginning() {
    let world = World::new().await;
    for number in 0..130 {
        world.customer(&format!("p{number}")).await;
    }
    let all = world.found(&EventQuery::default()).await;
    world.clock.advance(1);
    let stream = export(&world.oubli, &world.caller(), &EventQuery::default()).await.unwrap();
    world.customer("late").await;
    let pages: Vec<Vec<FoundEvent>> = stream.try_collect().await.unwrap();
    assert!(pages.len() > 1 && pages.iter().all(|page| page.len() <= 500));
    assert!(pages.concat() == all, "the same events in the same order");
    let exports = world.found(&of("events.exported")).await;
    let newest = all.last().unwrap().event.to_string();
    assert_eq!(exports[0].leaf["facts"]["until"], newest);
    let reads = world.exported(&of("record.read")).await.concat();
    assert_eq!(ids(&reads), ids(&world.found(&of("record.read")).await));
    assert_eq!(world.exported(&of("app.export")).await, [[]; 0]);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused() {
    let world = World::new().await;
    let other = format!("client:market.{}", "0".repeat(32)).parse().unwrap();
    let none = EventQuery::default;
    for (query, code) in [
        (EventQuery { from: Some(Time(2)), to: Some(Time(2)), ..none() }, Code::InvalidQuery),
        (of("record.reads"), Code::InvalidQuery),
        (of(""), Code::InvalidQuery),
        (EventQuery { actor: Some(other), ..none() }, Code::ClientNotFound),
        (EventQuery { subject: Some(SubjectId::fresh(START)), ..none() }, Code::SubjectNotFound),
    ] {
        let page = list(&world.oubli, &world.caller(), &query, None, 10).await;
        assert_eq!(refused(page), code);
        let stream = export(&world.oubli, &world.caller(), &query).await;
        assert_eq!(stream.err().unwrap().refusal().code, code);
    }
    for bad in ["", "client:", "staff:x", "System", "user:1"] {
        assert!(bad.parse::<Actor>().is_err(), "{bad}");
    }
    assert_eq!(world.found(&of("events.exported")).await, []);
}

#[test]
fn kinds_are_listed_once_and_in_order() {
    let sorted: BTreeSet<&str> = KINDS.iter().copied().collect();
    assert_eq!(sorted.into_iter().collect::<Vec<_>>(), KINDS);
}
