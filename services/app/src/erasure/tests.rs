#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use oubli_domain::request::{ErasureStep, RequestState, Step};
use oubli_domain::{Code, RequestId, Right, SubjectId};
use oubli_store::erasure::{DATA_TABLES, KEY_TABLES, UNLINKED_TABLES};
use serde_json::{Value, json};

use super::plan::counts;
use crate::certificate::{CertificateError, Claims, verify_certificate};
use crate::events::{self, EventQuery, FoundEvent};
use crate::requests::world::{World, key, new_request};
use crate::signed::SignedError;
use crate::testing::{self, refused};
use crate::worker::{Next, lease, step};
use crate::{journal, records, requests, subjects};

/// The rows left of a person in every table that has a subject column.
async fn left(world: &World, subject: SubjectId) -> Vec<(String, u64)> {
    let mut data = world.oubli.data().conn().await.unwrap();
    let mut keys = world.oubli.keys().conn().await.unwrap();
    let mut found = counts(&mut data, DATA_TABLES, &world.app, subject).await.unwrap();
    found.extend(counts(&mut data, UNLINKED_TABLES, &world.app, subject).await.unwrap());
    found.extend(counts(&mut keys, KEY_TABLES, &world.app, subject).await.unwrap());
    found.into_iter().filter(|(_, rows)| *rows > 0).collect()
}

async fn verified(world: &World, request: RequestId) -> Claims {
    let jws = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    verify_certificate(&jws, &published(world).await.to_string()).unwrap()
}

/// The document at `/.well-known/oubli-keys`.
async fn published(world: &World) -> Value {
    testing::published_keys(&world.oubli).await
}

async fn kinds(world: &World) -> Vec<String> {
    let all = EventQuery::default();
    let found = events::list(&world.oubli, &world.caller(), &all, None, 1_000).await.unwrap();
    let kind = |event: &FoundEvent| event.leaf["type"].as_str().unwrap().to_owned();
    found.events.iter().map(kind).collect()
}

#[tokio::test]
async fn an_erasure_leaves_the_request_its_certificate_and_nothing_of_the_person() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    let before = left(&world, bob).await;
    let access = world.request(Right::Access, ada).await;
    let selector = subjects::SubjectSelector::Id(ada);
    let plan = requests::preview(&world.oubli, &world.caller(), &selector).await.unwrap();
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;

    assert_eq!(left(&world, ada).await, []);
    assert_eq!(left(&world, bob).await, before);
    let row = world.details(request).await;
    assert!(row.certificate);
    assert_eq!(row.request.state, RequestState::Completed);
    assert_eq!(row.request.subject, None);
    assert!(row.request.completed_at.is_some());
    let cancelled = world.details(access).await.request;
    assert_eq!(cancelled.state, RequestState::Cancelled);
    assert_eq!(cancelled.reason.as_deref(), Some("subject-erased"));

    let claims = verified(&world, request).await;
    assert_eq!(claims.request, request);
    assert_eq!(claims.deleted["records"], plan.tables["records"]);
    assert_eq!(claims.deleted["subject_keys"], 1);
    assert_eq!(claims.deleted["blind_indexes"], 1);
    assert_eq!(claims.deleted["event_payloads"], plan.tables["event_payloads"]);
    assert_eq!(claims.left.len(), DATA_TABLES.len() + KEY_TABLES.len());
    assert!(claims.left.values().all(|rows| *rows == 0));
    assert!(claims.kept.is_empty());
    assert_eq!((claims.final_at, claims.key.epoch), (None, 1));
    let text = serde_json::to_string(&claims).unwrap();
    assert!(!text.contains(&ada.0.simple().to_string()));
    let not_found = subjects::get(&world.oubli, &world.caller(), ada).await;
    assert_eq!(refused(not_found), Code::SubjectNotFound);
}

#[tokio::test]
async fn open_requests_of_the_person_alone_are_cancelled() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    let done = world.request(Right::Access, ada).await;
    world.work().await;
    let open = world.request(Right::Portability, ada).await;
    let theirs = world.request(Right::Access, bob).await;
    let request = world.request(Right::Erasure, ada).await;
    let (app, at) = (world.app.clone(), world.oubli.now());
    let cancelled = world.oubli.data().write("test.cancel", move |tx| {
        let app = app.clone();
        Box::pin(async move {
            oubli_store::requests::cancel_open(tx, &app, ada, request, "subject-erased", at).await
        })
    });
    assert_eq!(cancelled.await.unwrap(), 1);
    let mut states = Vec::new();
    for request in [done, open, theirs, request] {
        states.push(world.details(request).await.request.state);
    }
    let open = RequestState::Received;
    assert_eq!(states, [RequestState::Completed, RequestState::Cancelled, open, open]);
}

#[tokio::test]
async fn writes_and_reads_are_refused_from_the_acknowledgement_on() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    world.request(Right::Erasure, ada).await;
    let place = key(ada, "profile", "main");
    let body = json!({ "name": "x" });
    let put = records::put(&world.oubli, &world.call(), &place, body, None).await;
    assert_eq!(refused(put), Code::SubjectErasing);
    let purpose = crate::requests::world::name("fulfil");
    let read = records::get(&world.oubli, &world.caller(), &place, &purpose).await;
    assert_eq!(refused(read), Code::SubjectErasing);
    let call = world.call();
    let again = requests::create(&world.oubli, &call, new_request(Right::Access, ada)).await;
    assert_eq!(refused(again), Code::SubjectErasing);
    world.work().await;
    assert_eq!(left(&world, ada).await, []);
}

/// Does `steps` steps of the only job that is due and gives the step reached.
async fn some_steps(world: &World, request: RequestId, steps: usize) -> Step {
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    for _ in 0..steps {
        assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Again);
    }
    world.details(request).await.request.step
}

#[tokio::test]
async fn a_crash_after_any_step_ends_in_the_same_place_once() {
    for (steps, reached) in ErasureStep::ALL.iter().enumerate() {
        let mut world = World::new().await;
        let ada = world.customer("ada").await;
        let request = world.request(Right::Erasure, ada).await;
        assert_eq!(some_steps(&world, request, steps).await, Step::Erasure(*reached));

        world.reopen().await;
        world.work().await;
        let waiting = world.details(request).await.request.state;
        assert_ne!(waiting, RequestState::Completed, "the dead worker's lease still stands");
        world.clock.advance(61);
        world.work().await;

        assert_eq!(world.details(request).await.request.state, RequestState::Completed);
        assert_eq!(left(&world, ada).await, []);
        let claims = verified(&world, request).await;
        assert_eq!(claims.deleted["records"], 2, "after {steps} steps");
        assert_eq!(claims.deleted["subject_keys"], 1, "after {steps} steps");
        let completed = kinds(&world).await.iter().filter(|k| *k == "request.completed").count();
        assert_eq!(completed, 1);
        let lines = journal::read(&world.dir.path().join("journal")).unwrap();
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].replay, journal::Replay::Erasure { request, subject: ada });
        assert_eq!(lines[0].position, 1);
    }
}

#[tokio::test]
async fn a_step_that_ran_without_its_marker_may_run_again() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let request = world.request(Right::Erasure, ada).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    let mut stale = leased.clone();
    stale.lease = uuid::Uuid::nil();
    let mut refused_steps = 0;
    // Each step is first done by a worker that has lost its lease: nothing of it may count.
    for _ in ErasureStep::ALL {
        refused_steps += usize::from(step(&world.oubli, &stale).await.is_err());
        if step(&world.oubli, &leased).await.unwrap() == Next::Done {
            break;
        }
    }
    assert_eq!(refused_steps, ErasureStep::ALL.len());
    assert_eq!(left(&world, ada).await, []);
    assert_eq!(verified(&world, request).await.deleted["records"], 2);
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
}

#[tokio::test]
async fn rows_that_are_found_by_the_count_go_in_another_round() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let request = world.request(Right::Erasure, ada).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    for _ in 0..5 {
        step(&world.oubli, &leased).await.unwrap();
    }
    // A node that had prepared an identifier before the acknowledgement claims its index late.
    let (app, at) = (world.app.clone(), world.oubli.now());
    let claim = oubli_domain::ClaimId::fresh(at);
    let late = world.oubli.data().write("test.late", move |tx| {
        let app = app.clone();
        Box::pin(async move { oubli_store::claims::keep(tx, &app, claim, ada, at).await })
    });
    late.await.unwrap();
    step(&world.oubli, &leased).await.unwrap();
    let reached = world.details(request).await.request.step;
    assert_eq!(reached, Step::Erasure(ErasureStep::Kept));
    while step(&world.oubli, &leased).await.unwrap() != Next::Done {}
    assert_eq!(left(&world, ada).await, []);
    assert_eq!(verified(&world, request).await.deleted["claims"], 2);
}

#[tokio::test]
async fn a_changed_certificate_or_another_key_does_not_hold() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;
    let jws = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    let published = published(&world).await;
    let keys = published.to_string();
    assert!(verify_certificate(&jws, &keys).is_ok());
    for place in [5, jws.len() / 2, jws.len() - 5] {
        let mut changed = jws.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify_certificate(&changed, &keys).is_err(), "{place}");
    }
    let mut other = published.clone();
    other["keys"][0]["app"] = "other".into();
    let other = other.to_string();
    assert!(matches!(
        verify_certificate(&jws, &other),
        Err(CertificateError::Signed(SignedError::OtherApp))
    ));
    let none = r#"{"keys":[]}"#;
    assert!(matches!(
        verify_certificate(&jws, none),
        Err(CertificateError::Signed(SignedError::Signature(_)))
    ));
    assert!(matches!(
        verify_certificate(&jws, "[]"),
        Err(CertificateError::Signed(SignedError::Keys(_)))
    ));
}

mod clock;
mod files;
mod janitor;
mod lost_key;
mod postgres;
