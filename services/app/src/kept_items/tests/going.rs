use std::collections::BTreeSet;

use oubli_domain::hold::ReleaseReason;
use oubli_domain::request::{Decider, ErasureStep, Keeper, Plan, Step};
use oubli_domain::{Code, Day, HoldId, KeptItemId, RequestId, Right};
use oubli_store::keys::kept_keys;
use oubli_store::requests::{Advance, advance};
use serde_json::Value;

use super::keeping::{certified, erased, hold, of_request};
use crate::certificate::{Certificate, verify_any};
use crate::kept_items::{Ending, Supplement, read, supplements, verify_supplement};
use crate::requests::world::World;
use crate::testing::{self, refused};
use crate::worker::{Next, lease, step};
use crate::{holds, journal, key_management, requests};

async fn release(world: &World, hold: HoldId) {
    holds::release(&world.oubli, &world.call(), hold, ReleaseReason::Ended).await.unwrap();
}

/// The supplements of a request, each of which must hold.
async fn issued(world: &World, request: RequestId) -> Vec<Supplement> {
    let found = supplements(&world.oubli, &world.caller(), request, None, 100).await.unwrap();
    let keys = testing::published_keys(&world.oubli).await.to_string();
    found.iter().map(|issued| verify_supplement(&issued.jws, &keys).unwrap()).collect()
}

async fn has_key(world: &World, item: KeptItemId) -> bool {
    let mut keys = world.oubli.keys().conn().await.unwrap();
    kept_keys::get(&mut keys, &world.app, item).await.unwrap().is_some()
}

/// Every byte of every file of both databases.
fn files(world: &World) -> Vec<Vec<u8>> {
    let entries = std::fs::read_dir(world.dir.path()).unwrap().map(|e| e.unwrap().path());
    entries.filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

fn is_in(files: &[Vec<u8>], trace: &[u8]) -> bool {
    files.iter().any(|file| file.windows(trace.len()).any(|window| window == trace))
}

#[tokio::test]
async fn a_release_takes_what_was_kept_and_leaves_a_supplement() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, Some("invoice"), Some("total")).await;
    let request = erased(&world, ada).await;
    let item = of_request(&world, request).await.remove(0);
    let mut keys = world.oubli.keys().conn().await.unwrap();
    let row = kept_keys::get(&mut keys, &world.app, item.id).await.unwrap().unwrap();
    drop(keys);
    let mut data = world.oubli.data().conn().await.unwrap();
    let sealed = oubli_store::kept_items::body(&mut data, &world.app, item.id).await.unwrap();
    drop(data);
    let ciphertext = sealed.unwrap().remove(0).ciphertext;
    assert!(is_in(&files(&world), &row.wrapped) && is_in(&files(&world), &ciphertext));
    let certificate = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();

    release(&world, held).await;
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());
    assert!(!has_key(&world, item.id).await);
    let after = files(&world);
    assert!(!is_in(&after, &row.wrapped) && !is_in(&after, &ciphertext));
    let ground = oubli_domain::hold::LegalGround::LegalClaims;
    let gone = read(&world.oubli, &world.caller(), item.id, ground).await;
    assert_eq!(refused(gone), Code::KeptItemNotFound);

    let issued = issued(&world, request).await;
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].erased.len(), 1);
    assert_eq!(issued[0].erased[0].kept, item.item);
    let [Ending::Hold { hold, reason, .. }] = issued[0].erased[0].ended[..] else { panic!() };
    assert_eq!((hold, reason), (held, ReleaseReason::Ended));
    let keys = testing::published_keys(&world.oubli).await.to_string();
    let Ok(Certificate::Erasure(claims)) = verify_any(&certificate, &keys) else { panic!() };
    assert_eq!(issued[0].certificate, claims.jti);
    let same = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    assert_eq!(same, certificate, "a supplement is no certificate");
    let lines = journal::read(&world.dir.path().join("journal")).unwrap();
    let replay = journal::Replay::KeptItems { request, items: vec![item.id] };
    assert_eq!(lines.last().unwrap().replay, replay);
}

#[tokio::test]
async fn what_another_keeps_stays_until_that_one_ends_too() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let narrow = hold(&world, ada, Some("invoice"), Some("total")).await;
    let wide = hold(&world, ada, None, None).await;
    let request = erased(&world, ada).await;
    assert_eq!(of_request(&world, request).await.len(), 3);
    release(&world, wide).await;
    world.work().await;
    let left = of_request(&world, request).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].item.holds().collect::<BTreeSet<_>>(), [narrow, wide].into());
    assert_eq!(issued(&world, request).await[0].erased.len(), 2);
    release(&world, narrow).await;
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());
    assert_eq!(issued(&world, request).await.len(), 2);
    let (caller, first) = (world.caller(), issued(&world, request).await[0].jti);
    let rest = supplements(&world.oubli, &caller, request, Some(first), 100).await.unwrap();
    assert_eq!(rest.len(), 1);
}

/// A policy's rule that keeps until a day, instead of what the plan found.
async fn planned(world: &World, request: RequestId, change: impl Fn(&mut Plan)) {
    let row = world.details(request).await.request;
    let mut outcome: Value = serde_json::from_str(row.outcome.as_deref().unwrap()).unwrap();
    let mut plan: Plan = serde_json::from_value(outcome["plan"].take()).unwrap();
    change(&mut plan);
    outcome["plan"] = serde_json::to_value(&plan).unwrap();
    let (app, at, step) = (world.app.clone(), world.oubli.now(), row.step);
    let changed = Advance {
        from: step,
        to: step,
        state: row.state,
        outcome: Some(outcome.to_string()),
        completed_at: None,
    };
    let written = world.oubli.data().write("test.plan", move |tx| {
        let (app, changed) = (app.clone(), changed.clone());
        Box::pin(async move { advance(tx, &app, request, &changed, at).await })
    });
    written.await.unwrap();
}

fn policy(until: &str) -> Keeper {
    let decider = Decider::Policy { plugin: "ab".repeat(32), failed: false };
    Keeper { decider, legal_reference: None, until: Some(Day::parse(until).unwrap()) }
}

/// An erasure whose first item a policy keeps besides, or instead of, a hold.
async fn kept_by(world: &World, keepers: impl Fn(Keeper) -> Vec<Keeper>) -> (RequestId, HoldId) {
    let ada = world.customer("ada").await;
    let held = hold(world, ada, Some("invoice"), Some("total")).await;
    let request = world.request(Right::Erasure, ada).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Again);
    planned(world, request, |plan| {
        let keeper = plan.kept[0].kept_by.remove(0);
        plan.kept[0].kept_by = keepers(keeper);
    })
    .await;
    while step(&world.oubli, &leased).await.unwrap() != Next::Done {}
    (request, held)
}

/// The tests begin on 2026-01-15 at noon, and the shop is in Paris.
const TO_MIDNIGHT_IN_PARIS: i64 = 11 * 3_600;

#[tokio::test]
async fn what_a_day_keeps_goes_when_that_day_is_over_in_the_app() {
    let world = World::new().await;
    let (request, _) = kept_by(&world, |_| vec![policy("2026-01-15")]).await;
    world.clock.advance(TO_MIDNIGHT_IN_PARIS - 1);
    world.work().await;
    assert_eq!(of_request(&world, request).await.len(), 1, "its last day is not over");
    world.clock.advance(1);
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());
    let issued = issued(&world, request).await;
    let Ending::Policy { until, .. } = &issued[0].erased[0].ended[0] else { panic!() };
    assert_eq!(until.to_string(), "2026-01-15");
    world.work().await;
    assert_eq!(issued.len(), 1, "once");
}

#[tokio::test]
async fn the_later_of_a_day_and_a_release_counts() {
    let world = World::new().await;
    let both = |hold: Keeper| vec![hold, policy("2026-01-20")];
    let (request, held) = kept_by(&world, both).await;
    release(&world, held).await;
    world.work().await;
    assert_eq!(of_request(&world, request).await.len(), 1, "the law keeps it still");
    world.clock.advance(6 * 86_400);
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());

    let world = World::new().await;
    let (request, held) = kept_by(&world, both).await;
    world.clock.advance(30 * 86_400);
    world.work().await;
    assert_eq!(of_request(&world, request).await.len(), 1, "the hold keeps it still");
    release(&world, held).await;
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());
    assert_eq!(issued(&world, request).await[0].erased[0].ended.len(), 2);
}

#[tokio::test]
async fn a_release_while_the_erasure_runs_waits_for_its_certificate() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, Some("invoice"), Some("total")).await;
    let request = world.request(Right::Erasure, ada).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    while world.details(request).await.request.step != Step::Erasure(ErasureStep::Kept) {
        step(&world.oubli, &leased).await.unwrap();
    }
    release(&world, held).await;
    world.work().await;
    assert_eq!(of_request(&world, request).await.len(), 1);
    while step(&world.oubli, &leased).await.unwrap() != Next::Done {}
    assert_eq!(certified(&world, request).await.len(), 1);
    world.clock.advance(1);
    world.work().await;
    assert!(of_request(&world, request).await.is_empty());
    assert_eq!(issued(&world, request).await.len(), 1);
}

#[tokio::test]
async fn a_crash_on_the_way_ends_in_the_same_place_once() {
    for turns in 0..3 {
        let mut world = World::new().await;
        let ada = world.customer("ada").await;
        let held = hold(&world, ada, None, None).await;
        let request = erased(&world, ada).await;
        release(&world, held).await;
        let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
        for _ in 0..turns {
            step(&world.oubli, &leased).await.unwrap();
        }
        world.reopen().await;
        world.clock.advance(61);
        world.work().await;
        assert!(of_request(&world, request).await.is_empty(), "{turns}");
        let issued = issued(&world, request).await;
        assert_eq!((issued.len(), issued[0].erased.len()), (1, 2));
    }
}

#[tokio::test]
async fn a_worker_without_its_lease_erases_no_row_and_signs_nothing() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, None, None).await;
    let request = erased(&world, ada).await;
    release(&world, held).await;
    let mut stale = lease(&world.oubli, 1).await.unwrap().remove(0);
    stale.lease = uuid::Uuid::nil();
    assert!(step(&world.oubli, &stale).await.is_err());
    assert_eq!(of_request(&world, request).await.len(), 2);
    assert!(issued(&world, request).await.is_empty());
    world.clock.advance(61);
    world.work().await;
    assert_eq!(issued(&world, request).await.len(), 1);
}

#[tokio::test]
async fn rotation_moves_the_keys_of_what_is_kept() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    hold(&world, ada, Some("invoice"), Some("total")).await;
    let request = erased(&world, ada).await;
    let item = of_request(&world, request).await.remove(0).id;
    world.clock.advance(1);
    let what = key_management::Rotate { epoch_only: true, ..Default::default() };
    let rotated = key_management::rotate(&world.oubli, &what, &|_| {}).await.unwrap();
    assert_eq!((rotated.rewrapped, rotated.unreadable), (1, 0));
    let mut keys = world.oubli.keys().conn().await.unwrap();
    let row = kept_keys::get(&mut keys, &world.app, item).await.unwrap().unwrap();
    assert_eq!(row.epoch, 2);
    drop(keys);
    let total = super::keeping::body(&world, item).await;
    assert_eq!(total, serde_json::json!({ "total": 12.5 }));
    let retire = key_management::Retire { grace_seconds: 0, before: None };
    let due = key_management::due(&world.oubli, retire).await.unwrap();
    key_management::retire(&world.oubli, retire, &due, &|_| {}).await.unwrap();
    let total = super::keeping::body(&world, item).await;
    assert_eq!(total, serde_json::json!({ "total": 12.5 }));
}
