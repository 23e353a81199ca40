use std::collections::BTreeSet;

use oubli_domain::hold::{HoldScope, LegalGround, ReleaseReason};
use oubli_domain::request::{Decider, ErasureStep, KeptItem, RequestState, Step};
use oubli_domain::{Code, HoldId, KeptItemId, RequestId, Right, SubjectId};
use oubli_store::kept_items as rows;
use oubli_store::keys::{kept_keys, subject_keys};
use serde_json::json;

use crate::certificate::verify_certificate;
use crate::holds::{self, NewHold};
use crate::kept_items::{Filter, Stored, list, read};
use crate::requests::world::{World, key, name};
use crate::requests::{self, preview};
use crate::subjects::SubjectSelector;
use crate::testing::{self, refused};
use crate::worker::{Next, lease, step};
use crate::{Call, events, records, subjects};

pub(super) async fn hold(
    world: &World,
    subject: SubjectId,
    category: Option<&str>,
    field: Option<&str>,
) -> HoldId {
    let new = NewHold {
        subject: SubjectSelector::Id(subject),
        scope: HoldScope { category: category.map(name), field: field.map(name) },
        ground: LegalGround::LegalClaims,
        legal_reference: "File 7".to_owned(),
        note: None,
    };
    holds::set(&world.oubli, &world.call(), new).await.unwrap().hold
}

pub(super) async fn erased(world: &World, subject: SubjectId) -> RequestId {
    let request = world.request(Right::Erasure, subject).await;
    world.work().await;
    assert_eq!(world.details(request).await.request.state, RequestState::Completed);
    request
}

pub(super) async fn of_request(world: &World, request: RequestId) -> Vec<Stored> {
    let filter = Filter { request: Some(request), hold: None };
    list(&world.oubli, &world.caller(), filter, None, 100).await.unwrap()
}

/// The items of a certificate, which must hold.
pub(super) async fn certified(world: &World, request: RequestId) -> Vec<KeptItem> {
    let jws = requests::certificate(&world.oubli, &world.caller(), request).await.unwrap();
    let keys = testing::published_keys(&world.oubli).await.to_string();
    verify_certificate(&jws, &keys).unwrap().kept
}

pub(super) async fn body(world: &World, item: KeptItemId) -> serde_json::Value {
    let ground = LegalGround::LegalClaims;
    read(&world.oubli, &world.caller(), item, ground).await.unwrap().body.into()
}

#[tokio::test]
async fn an_erasure_keeps_what_is_held_as_its_preview_said_and_nothing_else() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, Some("invoice"), Some("total")).await;
    let selector = SubjectSelector::Id(ada);
    let plan = preview(&world.oubli, &world.caller(), &selector).await.unwrap();
    assert_eq!(plan.kept.len(), 1);
    assert_eq!(plan.kept[0].item, None);
    assert_eq!(plan.kept[0].fields, [name("total")].into());
    assert_eq!(plan.kept[0].kept_by[0].decider, Decider::Hold { hold: held });
    assert_eq!(plan.erased.len(), 2, "the invoice goes in part");

    let request = erased(&world, ada).await;
    let found = of_request(&world, request).await;
    assert_eq!(found.len(), 1);
    let certified = certified(&world, request).await;
    assert_eq!(certified, [found[0].item.clone()]);
    assert_eq!(KeptItem { item: None, ..certified[0].clone() }, plan.kept[0]);
    assert_eq!(body(&world, found[0].id).await, json!({ "total": 12.5 }));

    let gone = subjects::get(&world.oubli, &world.caller(), ada).await;
    assert_eq!(refused(gone), Code::SubjectNotFound);
    let mut keys = world.oubli.keys().conn().await.unwrap();
    assert!(subject_keys::get(&mut keys, &world.app, ada).await.unwrap().is_none());
    let (info, note) = holds::get(&world.oubli, &world.caller(), held).await.unwrap();
    assert_eq!((info.subject, info.request, note), (None, Some(request), None));
}

#[tokio::test]
async fn a_person_who_is_wholly_held_is_gone_all_the_same() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, None, None).await;
    let request = erased(&world, ada).await;
    let mut bodies = Vec::new();
    for item in of_request(&world, request).await {
        bodies.push((item.item.category.to_string(), body(&world, item.id).await));
    }
    bodies.sort_by_key(|(category, _)| category.clone());
    assert_eq!(bodies[0], ("invoice".to_owned(), json!({ "total": 12.5, "note": "late" })));
    assert_eq!(bodies[1].1["name"], "ada");
    let gone = subjects::get(&world.oubli, &world.caller(), ada).await;
    assert_eq!(refused(gone), Code::SubjectNotFound);
    let again = world.customer("ada").await;
    assert_ne!(again, ada, "the identifier is free");
    let by_hold = Filter { request: None, hold: Some(held) };
    let found = list(&world.oubli, &world.caller(), by_hold, None, 100).await.unwrap();
    assert_eq!(found.len(), 2);
    let both = Filter { request: Some(RequestId::fresh(world.oubli.now())), hold: Some(held) };
    assert!(list(&world.oubli, &world.caller(), both, None, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn fields_that_two_hold_are_kept_once_by_both() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let one = hold(&world, ada, Some("invoice"), Some("total")).await;
    let two = hold(&world, ada, Some("invoice"), None).await;
    let unused = hold(&world, ada, Some("profile"), Some("tags")).await;
    records::delete(&world.oubli, &world.call(), &key(ada, "invoice", "2"), None)
        .await
        .unwrap_err();
    holds::release(&world.oubli, &world.call(), unused, ReleaseReason::Ended).await.unwrap();
    let request = erased(&world, ada).await;
    let mut found = of_request(&world, request).await;
    found.sort_by_key(|item| item.item.kept_by.len());
    let keepers = |item: &Stored| item.item.holds().collect::<BTreeSet<_>>();
    assert_eq!(found.len(), 2);
    assert_eq!((&found[0].item.fields, keepers(&found[0])), (&[name("note")].into(), [two].into()));
    assert_eq!(found[1].item.fields, [name("total")].into());
    assert_eq!(keepers(&found[1]), [one, two].into());
    let gone = holds::get(&world.oubli, &world.caller(), unused).await;
    assert_eq!(refused(gone), Code::HoldNotFound, "it keeps nothing");
}

#[tokio::test]
async fn a_crash_after_any_step_keeps_the_same_once() {
    for (steps, reached) in ErasureStep::ALL.iter().enumerate() {
        let mut world = World::new().await;
        let ada = world.customer("ada").await;
        hold(&world, ada, Some("invoice"), Some("total")).await;
        let request = world.request(Right::Erasure, ada).await;
        let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
        for _ in 0..steps {
            assert_eq!(step(&world.oubli, &leased).await.unwrap(), Next::Again);
        }
        assert_eq!(world.details(request).await.request.step, Step::Erasure(*reached));
        world.reopen().await;
        world.clock.advance(61);
        world.work().await;
        assert_eq!(world.details(request).await.request.state, RequestState::Completed);
        let found = of_request(&world, request).await;
        assert_eq!(found.len(), 1, "{reached}");
        assert_eq!(certified(&world, request).await, [found[0].item.clone()]);
        assert_eq!(body(&world, found[0].id).await, json!({ "total": 12.5 }));
    }
}

#[tokio::test]
async fn a_key_that_was_made_before_a_crash_is_the_one_that_is_used() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    hold(&world, ada, Some("invoice"), Some("total")).await;
    let request = world.request(Right::Erasure, ada).await;
    let leased = lease(&world.oubli, 1).await.unwrap().remove(0);
    for _ in 0..2 {
        step(&world.oubli, &leased).await.unwrap();
    }
    // A worker whose lease is lost makes the key, and may not store what it sealed.
    let mut stale = leased.clone();
    stale.lease = uuid::Uuid::nil();
    assert!(step(&world.oubli, &stale).await.is_err());
    assert!(of_request(&world, request).await.is_empty());
    while step(&world.oubli, &leased).await.unwrap() != Next::Done {}
    let found = of_request(&world, request).await;
    assert_eq!(body(&world, found[0].id).await, json!({ "total": 12.5 }));
}

#[tokio::test]
async fn what_does_not_open_is_not_certified_as_kept() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    hold(&world, ada, None, None).await;
    world.lose_key(ada, None).await;
    let request = erased(&world, ada).await;
    assert_eq!(certified(&world, request).await, []);
    assert!(of_request(&world, request).await.is_empty());
}

#[tokio::test]
async fn reads_of_what_is_kept_are_logged_and_bound_to_their_app() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    hold(&world, ada, Some("invoice"), Some("total")).await;
    let request = erased(&world, ada).await;
    let item = of_request(&world, request).await[0].id;
    body(&world, item).await;
    let all = events::EventQuery::default();
    let found = events::list(&world.oubli, &world.caller(), &all, None, 1_000).await.unwrap();
    let logged = found.events.iter().find(|event| event.leaf["type"] == "kept_item.read");
    let leaf = &logged.unwrap().leaf;
    assert_eq!(leaf["reasons"], json!(["legal_claims"]));
    assert_eq!(leaf["facts"], json!({ "item": item, "request": request }));
    let market = Call::system(testing::app(&world.oubli, "market").await).caller;
    let ground = LegalGround::LegalClaims;
    let foreign = read(&world.oubli, &market, item, ground).await;
    assert_eq!(refused(foreign), Code::KeptItemNotFound);
    let unknown = KeptItemId::fresh(world.oubli.now());
    let unknown = read(&world.oubli, &world.caller(), unknown, ground).await;
    assert_eq!(refused(unknown), Code::KeptItemNotFound);
}

#[tokio::test]
async fn a_sealed_item_opens_in_its_own_place_alone() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    hold(&world, ada, None, None).await;
    let request = erased(&world, ada).await;
    let found = of_request(&world, request).await;
    let mut data = world.oubli.data().conn().await.unwrap();
    let sealed = rows::body(&mut data, &world.app, found[0].id).await.unwrap().unwrap();
    let keyring = world.oubli.keyring();
    let other = keyring.kept_key(&world.app, found[1].id).await.unwrap().unwrap();
    let opened = crate::kept_items::seal::open(&other, found[0].id, &found[0].item, &sealed);
    assert!(opened.is_err());
    let mut keys = world.oubli.keys().conn().await.unwrap();
    let ids: Vec<KeptItemId> = found.iter().map(|item| item.id).collect();
    let keys = kept_keys::get_many(&mut keys, &world.app, &ids).await.unwrap();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0].commitment, keys[1].commitment);
}
