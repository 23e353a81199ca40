#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use oubli_domain::request::RequestState;
use oubli_domain::{Code, Pii, Right, Time};
use tokio_util::sync::CancellationToken;

use super::world::{World, email, name, new_request};
use super::{create, list, preview};
use crate::subjects::SubjectSelector;
use crate::testing::refused;
use crate::{Call, Worker, health};

#[tokio::test]
async fn what_cannot_be_served_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let call = world.call();
    for right in [Right::Rectification, Right::Restriction, Right::Objection] {
        let refusal = create(&world.oubli, &call, new_request(right, subject)).await;
        assert_eq!(refusal.unwrap_err().refusal().errors[0].pointer, "/right");
    }
    let mut partial = new_request(Right::Erasure, subject);
    partial.scope.categories.insert(name("profile"));
    assert_eq!(refused(create(&world.oubli, &call, partial).await), Code::InvalidBody);
    let mut unknown = new_request(Right::Access, subject);
    unknown.scope.categories.insert(name("nothing"));
    assert_eq!(refused(create(&world.oubli, &call, unknown).await), Code::UnknownCategory);
    let mut future = new_request(Right::Access, subject);
    future.received_at = Some(Time(world.oubli.now().0 + 1));
    assert_eq!(refused(create(&world.oubli, &call, future).await), Code::FutureTime);
    assert!(list(&world.oubli, &world.caller(), None, None, 10).await.unwrap().is_empty());
    assert_eq!(world.worker().run_until_idle().await.unwrap(), 0);
}

#[tokio::test]
async fn a_repeat_with_its_key_makes_no_second_request() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let once = world.oubli.once("client", "key-1", "POST", "/requests", b"{}").unwrap();
    let call = Call { caller: world.caller(), once: Some(once) };
    let first = create(&world.oubli, &call, new_request(Right::Erasure, subject)).await.unwrap();
    let again = create(&world.oubli, &call, new_request(Right::Erasure, subject)).await.unwrap();
    assert_eq!(first, again);
    let other = create(&world.oubli, &world.call(), new_request(Right::Erasure, subject)).await;
    assert_eq!(refused(other), Code::SubjectErasing);
    assert_eq!(list(&world.oubli, &world.caller(), None, None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_preview_counts_and_changes_nothing() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let by_mail = SubjectSelector::Identifier {
        kind: oubli_domain::IdentifierType::Email,
        value: Pii::new(email("ada")),
    };
    let plan = preview(&world.oubli, &world.caller(), &by_mail).await.unwrap();
    let erased: Vec<_> = plan.erased.iter().map(|c| (c.category.as_str(), c.records)).collect();
    assert_eq!(erased, [("invoice", 1), ("profile", 1)]);
    assert!(!plan.keeps_anything());
    assert_eq!(plan.tables["records"], 2);
    assert_eq!(plan.tables["subject_keys"], 1);
    assert_eq!(plan.tables["consent_events"], 1);
    let by_id = SubjectSelector::Id(subject);
    assert_eq!(preview(&world.oubli, &world.caller(), &by_id).await.unwrap(), plan);
}

#[tokio::test]
async fn requests_are_listed_by_page_and_by_person() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    let mut made = Vec::new();
    for subject in [ada, bob, ada] {
        made.push(world.request(Right::Access, subject).await);
        world.clock.advance(1);
    }
    let page = list(&world.oubli, &world.caller(), None, None, 2).await.unwrap();
    let ids: Vec<_> = page.iter().map(|r| r.request).collect();
    assert_eq!(ids, made[..2]);
    let rest = list(&world.oubli, &world.caller(), None, Some(made[1]), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    let hers = list(&world.oubli, &world.caller(), Some(ada), None, 10).await.unwrap();
    assert_eq!(hers.len(), 2);
}

#[tokio::test]
async fn a_running_worker_is_woken_and_stops_when_told() {
    let world = World::new().await;
    let subject = world.customer("ada").await;
    let stop = CancellationToken::new();
    let worker = Worker::new(Arc::clone(&world.oubli), stop.clone());
    let working = world.oubli.tasks().spawn(worker.run());
    let request = world.request(Right::Erasure, subject).await;
    while world.details(request).await.request.state != RequestState::Completed {
        tokio::task::yield_now().await;
    }
    assert!(health::ready(&world.oubli, "1").await.is_ready());
    world.clock.advance(10_000);
    stop.cancel();
    working.await.unwrap();
}

/// A worker's turns over a job that cannot succeed, as the clock brings them.
async fn fail_often(world: &World, turns: usize) {
    for _ in 0..turns {
        world.work().await;
        world.clock.advance(600);
    }
}

#[tokio::test]
async fn a_job_that_keeps_failing_is_given_up_but_for_an_erasure() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    let erasure = world.request(Right::Erasure, ada).await;
    // Nothing may be destroyed without a journal, and a file stands where its folder should be.
    let journal = world.dir.path().join("journal");
    std::fs::write(&journal, b"").unwrap();
    fail_often(&world, 25).await;
    assert_eq!(world.details(erasure).await.request.state, RequestState::Running);
    std::fs::remove_file(&journal).unwrap();
    world.work().await;
    assert_eq!(world.details(erasure).await.request.state, RequestState::Completed);

    // No bundle can be sealed for a person whose key is gone.
    let access = world.request(Right::Access, bob).await;
    let damaged = Some(world.foreign_key(bob).await);
    world.lose_key(bob, damaged).await;
    fail_often(&world, 19).await;
    assert_eq!(world.details(access).await.request.state, RequestState::Received);
    fail_often(&world, 1).await;
    let failed = world.details(access).await.request;
    assert_eq!(failed.state, RequestState::Failed);
    assert_eq!(failed.reason.as_deref(), Some("keys"));
}

#[tokio::test]
async fn readiness_is_one_object_of_checks() {
    let world = World::new().await;
    let ready = health::ready(&world.oubli, "1.2.3").await;
    let json = serde_json::to_value(&ready).unwrap();
    let names: Vec<_> = json["checks"].as_object().unwrap().keys().cloned().collect();
    let wanted = ["data_database", "job_worker", "keys_database", "root_key", "version"];
    assert_eq!(names, wanted);
    assert_eq!(json["checks"]["version"]["version"], "1.2.3");
    assert!(ready.is_ready());
    world.oubli.close().await;
    let ready = health::ready(&world.oubli, "1.2.3").await;
    assert!(!ready.is_ready());
    let json = serde_json::to_value(&ready).unwrap();
    assert_eq!(json["checks"]["data_database"]["status"], "fail");
    assert_eq!(json["checks"]["version"]["status"], "pass");
}
