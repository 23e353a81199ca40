//! The janitor ends what a create left behind, by the clock.

use oubli_domain::clock::CLOCKS_SECONDS;
use oubli_domain::{ClaimId, SubjectId};
use oubli_store::claims::{self, Fate};
use oubli_store::keys::{key_sets, subject_keys};

use crate::janitor;
use crate::requests::world::World;

/// A key row whose create died; kept in `data` or not.
async fn claim(world: &World, kept: bool) -> (SubjectId, ClaimId) {
    let at = world.oubli.now();
    let (subject, claim) = (SubjectId::fresh(at), ClaimId::fresh(at));
    let app_keys = world.oubli.keyring().app(&world.app).await.unwrap();
    let (_, row) = app_keys.new_data_key(subject, claim).unwrap();
    let revision = app_keys.revision();
    let app = world.app.clone();
    let keys = world.oubli.keys().write("test.claim", move |tx| {
        let (app, row) = (app.clone(), row.clone());
        Box::pin(async move {
            let held = key_sets::hold(tx, &app, revision).await?;
            subject_keys::insert(tx, &held, &row, at).await
        })
    });
    keys.await.unwrap();
    if kept {
        let app = world.app.clone();
        let data = world.oubli.data().write("test.keep", move |tx| {
            let app = app.clone();
            Box::pin(async move { claims::keep(tx, &app, claim, subject, at).await })
        });
        data.await.unwrap();
    }
    (subject, claim)
}

#[tokio::test]
async fn claims_are_ended_after_ten_minutes() {
    let world = World::new().await;
    let (lost, lost_claim) = claim(&world, false).await;
    let (kept, _) = claim(&world, true).await;
    world.clock.advance(599);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 0);
    world.clock.advance(1);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 2);

    let mut keys = world.oubli.keys().conn().await.unwrap();
    assert_eq!(subject_keys::get(&mut keys, &world.app, lost).await.unwrap(), None);
    assert!(subject_keys::get(&mut keys, &world.app, kept).await.unwrap().unwrap().live);
    let mut data = world.oubli.data().conn().await.unwrap();
    let fate = claims::fate(&mut data, &world.app, lost_claim).await.unwrap();
    assert_eq!(fate, Fate::Abandoned, "a late create must fail");
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 0);
}

#[tokio::test]
async fn a_claim_from_before_the_clock_stepped_back_is_ended() {
    let world = World::new().await;
    let (lost, lost_claim) = claim(&world, false).await;
    let (kept, _) = claim(&world, true).await;
    world.clock.advance(-CLOCKS_SECONDS);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 0);
    world.clock.advance(-365 * 24 * 3_600);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 2);
    assert_eq!(fate(&world, lost_claim).await, Fate::Abandoned);
    let mut keys = world.oubli.keys().conn().await.unwrap();
    assert_eq!(subject_keys::get(&mut keys, &world.app, lost).await.unwrap(), None);
    assert!(subject_keys::get(&mut keys, &world.app, kept).await.unwrap().unwrap().live);
}

#[tokio::test]
async fn an_abandoned_claim_is_forgotten_after_a_day_when_its_key_rows_are_gone() {
    let world = World::new().await;
    let (_, ended) = claim(&world, false).await;
    world.clock.advance(600);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 1);
    // This one's owner died between the two databases as well: its key row is still there.
    let (stuck_subject, stuck) = claim(&world, false).await;
    let (app, at) = (world.app.clone(), world.oubli.now());
    let given_up = world.oubli.data().write("test.abandon", move |tx| {
        let app = app.clone();
        Box::pin(async move { claims::abandon(tx, &app, stuck, at).await })
    });
    given_up.await.unwrap();
    world.clock.advance(24 * 3_600 - 1);
    janitor::purge(&world.oubli).await.unwrap();
    assert_eq!(fate(&world, ended).await, Fate::Abandoned);
    world.clock.advance(1);
    janitor::purge(&world.oubli).await.unwrap();
    assert_eq!(fate(&world, ended).await, Fate::Open);
    assert_eq!(fate(&world, stuck).await, Fate::Abandoned);
    assert_eq!(janitor::sweep(&world.oubli).await.unwrap(), 1);
    let mut keys = world.oubli.keys().conn().await.unwrap();
    assert_eq!(subject_keys::get(&mut keys, &world.app, stuck_subject).await.unwrap(), None);
    janitor::purge(&world.oubli).await.unwrap();
    assert_eq!(fate(&world, stuck).await, Fate::Open);
}

async fn fate(world: &World, claim: ClaimId) -> Fate {
    let mut data = world.oubli.data().conn().await.unwrap();
    claims::fate(&mut data, &world.app, claim).await.unwrap()
}
