#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use futures_util::future::join_all;
use oubli_domain::deletion::PROPOSAL_SECONDS;
use oubli_domain::hold::{HoldScope, LegalGround, ReleaseReason};
use oubli_domain::scope::{Role, Scopes};
use oubli_domain::{
    AppId, AppState, Code, DeletionState, DeletionStep, Pii, Right, SessionId, UserId,
};
use oubli_store::app_tables::LEAVING;
use oubli_store::staff::events as staff_events;

use super::{Deletion, approve, cancel, certificate, get, propose};
use crate::auth::token::{TokenRefusal, TokenRequest, issue};
use crate::auth::{Staff, VisibleApps, verify};
use crate::certificate::{Certificate, verify_any};
use crate::clients::{self, NewClient};
use crate::holds::{self, NewHold};
use crate::journal::{self, Replay};
use crate::requests::world::{World, key, name};
use crate::subjects::{NewIdentifier, SubjectSelector};
use crate::testing::{self, refused};
use crate::worker::{Next, lease, step};
use crate::{Actor, Call, Oubli, apps, records, requests, subjects};

fn admin(world: &World) -> Staff {
    let at = world.oubli.now();
    Staff {
        user: UserId::fresh(at),
        session: SessionId::fresh(at),
        role: Role::Admin,
        apps: VisibleApps::All,
        must_change: false,
    }
}

fn call(world: &World, staff: &Staff) -> Call {
    let mut call = world.call();
    call.caller.actor = Actor::Staff(staff.user);
    call
}

async fn proposed(world: &World, staff: &Staff) -> Result<Deletion, crate::Error> {
    propose(&world.oubli, staff, &call(world, staff), "shop").await
}

async fn approved(world: &World, staff: &Staff) -> Result<Deletion, crate::Error> {
    approve(&world.oubli, staff, &call(world, staff)).await
}

/// Proposed by one and approved by another.
async fn agreed(world: &World) -> (Staff, Staff) {
    let (one, other) = (admin(world), admin(world));
    proposed(world, &one).await.unwrap();
    approved(world, &other).await.unwrap();
    (one, other)
}

async fn shown(world: &World) -> Deletion {
    get(&world.oubli, &world.caller()).await.unwrap()
}

/// What was done to apps as a whole.
async fn told(world: &World) -> Vec<String> {
    let mut conn = world.oubli.data().conn().await.unwrap();
    let events = staff_events::list(&mut conn, None, 100).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

async fn published(oubli: &Oubli) -> String {
    testing::published_keys(oubli).await.to_string()
}

/// Nothing of the app is left, the certificate holds and says so, and the name stays taken.
async fn gone(world: &World) -> super::Claims {
    let deletion = shown(world).await;
    assert_eq!((deletion.state, deletion.step), (DeletionState::Deleted, DeletionStep::Deleted));
    assert!(deletion.rows.values().all(|rows| *rows == 0), "{:?}", deletion.rows);
    let jws = certificate(&world.oubli, &world.caller()).await.unwrap();
    let held = verify_any(&jws, &published(&world.oubli).await).unwrap();
    let Certificate::Deletion(claims) = held else { panic!("an erasure's") };
    assert!(claims.left.values().all(|rows| *rows == 0));
    assert_eq!(claims.deleted, deletion.deleted);
    let again = apps::create(&world.oubli, &world.call(), "Again").await;
    assert_eq!(refused(again), Code::AppExists);
    assert_eq!(refused(world.oubli.keyring().app(&world.app).await), Code::AppNotFound);
    *claims
}

#[tokio::test]
async fn two_admins_delete_an_app_and_another_app_stays() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    world.request(Right::Access, bob).await;
    let erased = world.request(Right::Erasure, ada).await;
    world.work().await;
    let receipt = requests::certificate(&world.oubli, &world.caller(), erased).await.unwrap();
    let other = testing::app(&world.oubli, "market").await;
    let (one, two) = (admin(&world), admin(&world));

    let proposal = proposed(&world, &one).await.unwrap();
    assert_eq!((proposal.state, proposal.proposed_by), (DeletionState::Proposed, one.user));
    assert_eq!((proposal.rows["subjects"], proposal.rows["records"]), (1, 2));
    assert_eq!(shown(&world).await.state, DeletionState::Proposed);
    assert!(apps::get(&world.oubli, &world.caller()).await.unwrap().deletion_proposed);
    assert_eq!(
        refused(certificate(&world.oubli, &world.caller()).await),
        Code::CertificateNotFound
    );
    world.customer("eve").await;

    world.clock.advance(60);
    assert_eq!(approved(&world, &two).await.unwrap().state, DeletionState::Deleting);
    let standing = apps::require_standing(&world.oubli, &world.app).await;
    assert_eq!(refused(standing), Code::AppDeleting);
    // Events of one moment stand in no order.
    world.clock.advance(1);
    world.work().await;

    let claims = gone(&world).await;
    assert_eq!((claims.proposed_by, claims.approved_by), (one.user, two.user));
    assert_eq!((claims.deleted["subjects"], claims.deleted["records"]), (2, 4));
    assert_eq!((claims.deleted["subject_keys"], claims.deleted["certificates"]), (2, 1));
    assert!(claims.deleted["exports"] == 1 && claims.deleted["events"] > 5);
    assert_eq!(refused(apps::require_standing(&world.oubli, &world.app).await), Code::AppNotFound);
    let steps = ["app.deletion_proposed", "app.deletion_approved", "app.deleted"];
    assert_eq!(told(&world).await, steps);
    let keys = published(&world.oubli).await;
    assert!(matches!(verify_any(&receipt, &keys), Ok(Certificate::Erasure(_))), "older ones hold");
    let lines = journal::read(&world.dir.path().join("journal")).unwrap();
    assert_eq!(lines.iter().filter(|line| line.replay == Replay::AppDeletion).count(), 1);

    world.oubli.keyring().app(&other).await.unwrap();
    let listed = apps::list(&world.oubli, &VisibleApps::All, None, 9).await.unwrap();
    let states: Vec<_> = listed.iter().map(|app| (app.app.as_str(), app.state)).collect();
    assert_eq!(states, [("market", AppState::Active), ("shop", AppState::Deleted)]);
    assert_eq!(listed[1].title, "shop", "the title is gone");
}

#[tokio::test]
async fn one_person_is_not_enough_and_names_must_agree() {
    let world = World::new().await;
    let (one, two) = (admin(&world), admin(&world));
    let wrong = propose(&world.oubli, &one, &call(&world, &one), "shop ").await;
    let refusal = wrong.unwrap_err().refusal();
    assert_eq!((refusal.code, &*refusal.errors[0].pointer), (Code::InvalidBody, "/confirm"));
    assert_eq!(refused(approved(&world, &two).await), Code::DeletionNotFound);
    assert_eq!(refused(get(&world.oubli, &world.caller()).await), Code::DeletionNotFound);
    let nowhere = Call::system(AppId::new("nowhere").unwrap());
    assert_eq!(refused(propose(&world.oubli, &one, &nowhere, "nowhere").await), Code::AppNotFound);

    proposed(&world, &one).await.unwrap();
    assert_eq!(refused(approved(&world, &one).await), Code::SecondPersonNeeded);
    for staff in [&one, &two] {
        assert_eq!(refused(proposed(&world, staff).await), Code::DeletionOpen);
    }
    world.person("ada").await;
    approved(&world, &two).await.unwrap();
    for staff in [&one, &two] {
        assert_eq!(refused(approved(&world, staff).await), Code::AppDeleting);
        assert_eq!(refused(proposed(&world, staff).await), Code::AppDeleting);
        assert_eq!(refused(cancel(&world.oubli, &call(&world, staff)).await), Code::AppDeleting);
    }
    world.work().await;
    gone(&world).await;
    assert_eq!(refused(proposed(&world, &one).await), Code::AppNotFound);
    assert_eq!(refused(cancel(&world.oubli, &call(&world, &one)).await), Code::AppNotFound);
}

#[tokio::test]
async fn a_proposal_can_be_cancelled_and_expires_after_seven_days() {
    let world = World::new().await;
    let (one, two) = (admin(&world), admin(&world));
    proposed(&world, &one).await.unwrap();
    cancel(&world.oubli, &call(&world, &two)).await.unwrap();
    assert_eq!(refused(approved(&world, &two).await), Code::DeletionNotFound);
    assert_eq!(refused(cancel(&world.oubli, &call(&world, &two)).await), Code::DeletionNotFound);

    proposed(&world, &one).await.unwrap();
    world.clock.advance(PROPOSAL_SECONDS);
    assert_eq!(refused(approved(&world, &two).await), Code::DeletionExpired);
    assert_eq!(shown(&world).await.state, DeletionState::Expired);
    assert!(!apps::get(&world.oubli, &world.caller()).await.unwrap().deletion_proposed);
    // It can be proposed again, by anyone, and the other approves.
    proposed(&world, &two).await.unwrap();
    assert_eq!(refused(approved(&world, &two).await), Code::SecondPersonNeeded);
    world.clock.advance(PROPOSAL_SECONDS - 1);
    approved(&world, &one).await.unwrap();
}

#[tokio::test]
async fn of_many_approvals_at_once_one_counts() {
    let world = World::new().await;
    proposed(&world, &admin(&world)).await.unwrap();
    let many: Vec<Staff> = (0..8).map(|_| admin(&world)).collect();
    let ended = join_all(many.iter().map(|staff| approved(&world, staff))).await;
    let (good, bad): (Vec<_>, Vec<_>) = ended.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 7));
    assert!(bad.into_iter().all(|result| refused(result) == Code::AppDeleting));
    let jobs = lease(&world.oubli, 16).await.unwrap();
    assert_eq!(jobs.iter().filter(|leased| leased.job.kind == LEAVING).count(), 1);
}

#[tokio::test]
async fn a_service_that_dies_after_any_step_goes_on() {
    let mut deaths = 0;
    for steps in 0.. {
        let mut world = World::new().await;
        world.customer("ada").await;
        agreed(&world).await;
        let mut done = false;
        for _ in 0..steps {
            // A fresh service does each step, as if the one before had been killed.
            world.reopen().await;
            world.clock.advance(61);
            let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
            done = step(&world.oubli, &leased).await.unwrap() == Next::Done;
        }
        world.reopen().await;
        world.clock.advance(61);
        world.work().await;
        let claims = gone(&world).await;
        assert_eq!(claims.deleted["subjects"], 1, "after {steps} steps");
        assert_eq!(claims.deleted["subject_keys"], 1, "after {steps} steps");
        assert_eq!(told(&world).await.iter().filter(|kind| *kind == "app.deleted").count(), 1);
        if done {
            break;
        }
        deaths += 1;
    }
    assert_eq!(deaths, DeletionStep::ALL.len() - 2);
}

#[tokio::test]
async fn a_step_that_lost_its_lease_counts_for_nothing() {
    let world = World::new().await;
    world.customer("ada").await;
    agreed(&world).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    let mut stale = leased.clone();
    stale.lease = uuid::Uuid::nil();
    loop {
        assert!(step(&world.oubli, &stale).await.is_err());
        if step(&world.oubli, &leased).await.unwrap() == Next::Done {
            break;
        }
    }
    assert_eq!(gone(&world).await.deleted["records"], 2);
}

#[tokio::test]
async fn what_races_the_approval_leaves_nothing() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let (one, two) = (admin(&world), admin(&world));
    proposed(&world, &one).await.unwrap();
    let oubli = &world.oubli;
    let creates = join_all((0..40).map(|n| {
        let value = Pii::new(format!("p{n}@people.example"));
        let new = NewIdentifier { kind: oubli_domain::IdentifierType::Email, value };
        let call = world.call();
        async move { subjects::create(oubli, &call, vec![new]).await.map(drop) }
    }));
    let puts = join_all((0..40).map(|n| {
        let (call, place) = (world.call(), key(ada, "profile", &format!("r{n}")));
        let body = serde_json::json!({ "name": "Ada" });
        async move { records::put(oubli, &call, &place, body, None).await.map(drop) }
    }));
    let ended = async {
        approved(&world, &two).await.unwrap();
        world.work().await;
    };
    let (creates, puts, ()) = tokio::join!(creates, puts, ended);
    for result in creates.into_iter().chain(puts) {
        if let Err(error) = result {
            let code = error.refusal().code;
            assert!([Code::AppNotFound, Code::SubjectNotFound].contains(&code), "{code:?}");
        }
    }
    world.work().await;
    gone(&world).await;
    let late = NewIdentifier {
        kind: oubli_domain::IdentifierType::Email,
        value: Pii::new("late@people.example".to_owned()),
    };
    let late = subjects::create(&world.oubli, &world.call(), vec![late]).await;
    assert_eq!(refused(late), Code::AppNotFound);
    assert!(shown(&world).await.rows.values().all(|rows| *rows == 0));
}

#[tokio::test]
async fn jobs_of_the_app_end_with_it() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    world.request(Right::Erasure, ada).await;
    world.request(Right::Access, bob).await;
    let running = lease(&world.oubli, 16).await.unwrap();
    for leased in &running {
        step(&world.oubli, leased).await.unwrap();
    }
    agreed(&world).await;
    let leaving = lease(&world.oubli, 16).await.unwrap().remove(0);
    for _ in 0..2 {
        step(&world.oubli, &leaving).await.unwrap();
    }
    for leased in &running {
        assert!(step(&world.oubli, leased).await.is_err(), "its rows are gone");
    }
    while step(&world.oubli, &leaving).await.unwrap() != Next::Done {}
    gone(&world).await;
}

#[tokio::test]
async fn clients_are_out_at_once() {
    let world = World::new().await;
    let scopes = Scopes::parse("records:read subjects:read").unwrap();
    let new = NewClient { title: "Backend".to_owned(), scopes };
    let made = clients::create(&world.oubli, &world.call(), new).await.unwrap();
    let request = TokenRequest {
        grant_type: "client_credentials",
        client_id: made.client.as_str(),
        client_secret: made.secret.expose(),
        scope: None,
    };
    let token = issue(&world.oubli, request).await.unwrap().access_token;
    let ada = world.customer("ada").await;
    verify(&world.oubli, &token).await.unwrap();
    agreed(&world).await;
    for _ in 0..2 {
        assert_eq!(refused(verify(&world.oubli, &token).await), Code::AppNotFound);
        let refusal = issue(&world.oubli, request).await.err().unwrap();
        assert!(matches!(refusal, TokenRefusal::InvalidClient));
        let (caller, place) = (world.caller(), key(ada, "profile", "main"));
        let read = records::get(&world.oubli, &caller, &place, &name("fulfil")).await;
        assert_eq!(refused(read), Code::AppNotFound);
        let found = subjects::lookup(&world.oubli, &caller, &SubjectSelector::Id(ada)).await;
        assert!(found.is_err());
        world.work().await;
    }
}

#[tokio::test]
async fn the_keyring_forgets_one_app() {
    let world = World::new().await;
    let ada = world.person("ada").await;
    let keyring = world.oubli.keyring();
    keyring.data_key(&world.app, ada).await.unwrap();
    let held = Arc::downgrade(&keyring.data_key(&world.app, ada).await.unwrap());
    assert!(held.upgrade().is_some());
    keyring.forget_app(&AppId::new("market").unwrap());
    assert!(held.upgrade().is_some(), "another app's");
    keyring.forget_app(&world.app);
    assert!(held.upgrade().is_none(), "the key is overwritten");
}

#[tokio::test]
async fn an_app_stays_while_a_hold_stands_in_it() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let (one, other) = (admin(&world), admin(&world));
    let new = || NewHold {
        subject: SubjectSelector::Id(ada),
        scope: HoldScope::default(),
        ground: LegalGround::AuthorityOrder,
        legal_reference: "Order 7".to_owned(),
        note: None,
    };
    let hold = async || holds::set(&world.oubli, &world.call(), new()).await.unwrap().hold;
    let release = async |hold| {
        holds::release(&world.oubli, &world.call(), hold, ReleaseReason::OrderLifted)
            .await
            .unwrap();
    };
    let first = hold().await;
    assert_eq!(refused(proposed(&world, &one).await), Code::Held);
    release(first).await;
    proposed(&world, &one).await.unwrap();
    let second = hold().await;
    assert_eq!(refused(approved(&world, &other).await), Code::Held);
    // What it keeps of somebody who was erased is held as well.
    world.request(Right::Erasure, ada).await;
    world.work().await;
    assert_eq!(refused(approved(&world, &other).await), Code::Held);
    release(second).await;
    approved(&world, &other).await.unwrap();
    world.work().await;
    let deletion = get(&world.oubli, &world.caller()).await.unwrap();
    assert_eq!(deletion.state, DeletionState::Deleted);
    assert!(deletion.rows.values().all(|rows| *rows == 0));
}
