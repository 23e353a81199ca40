//! What a hold forbids a caller to do to a live person, and what it lets through.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use futures_util::future::join;
use oubli_domain::hold::{HoldScope, LegalGround, MAX_NOTE, MAX_REFERENCE, ReleaseReason};
use oubli_domain::{Code, HoldId, Pii, Right, SubjectId};
use serde_json::json;

use super::{Filter, NewHold, get, list, release, set};
use crate::requests::world::{World, email, key, name};
use crate::subjects::{NewIdentifier, SubjectSelector};
use crate::testing::refused;
use crate::{records, subjects};

fn new_hold(subject: SubjectId, category: Option<&str>, field: Option<&str>) -> NewHold {
    NewHold {
        subject: SubjectSelector::Id(subject),
        scope: HoldScope { category: category.map(name), field: field.map(name) },
        ground: LegalGround::LegalClaims,
        legal_reference: "File 7 O 12/26".to_owned(),
        note: Some(Pii::new("The invoice is disputed.".to_owned())),
    }
}

async fn hold(
    world: &World,
    subject: SubjectId,
    category: Option<&str>,
    field: Option<&str>,
) -> HoldId {
    set(&world.oubli, &world.call(), new_hold(subject, category, field)).await.unwrap().hold
}

async fn released(world: &World, hold: HoldId) {
    release(&world.oubli, &world.call(), hold, ReleaseReason::Ended).await.unwrap();
}

#[tokio::test]
async fn a_held_field_neither_changes_nor_goes_and_the_rest_may() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let (oubli, call, invoice) = (&world.oubli, world.call(), key(ada, "invoice", "1"));
    let held = hold(&world, ada, Some("invoice"), Some("total")).await;

    let patch = records::patch(oubli, &call, &invoice, json!({ "total": 13 }), None).await;
    assert_eq!(refused(patch), Code::Held);
    let cut = records::patch(oubli, &call, &invoice, json!({ "total": null }), None).await;
    assert_eq!(refused(cut), Code::Held);
    let put = records::put(oubli, &call, &invoice, json!({ "note": "late" }), None).await;
    assert_eq!(refused(put), Code::Held);
    assert_eq!(refused(records::delete(oubli, &call, &invoice, None).await), Code::Held);

    let note = records::patch(oubli, &call, &invoice, json!({ "note": "paid" }), None).await;
    assert_eq!(note.unwrap().version, 2);
    let same = json!({ "total": 12.5, "note": "paid late" });
    records::put(oubli, &call, &invoice, same, None).await.unwrap();
    world.put(ada, "invoice", "2", json!({ "total": 1 })).await;
    let other = key(ada, "invoice", "2");
    assert_eq!(refused(records::delete(oubli, &call, &other, None).await), Code::Held);
    records::delete(oubli, &call, &key(ada, "profile", "main"), None).await.unwrap();

    released(&world, held).await;
    records::delete(oubli, &call, &invoice, None).await.unwrap();
}

#[tokio::test]
async fn a_hold_on_the_person_holds_identifiers_until_it_is_released() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let (oubli, call) = (&world.oubli, world.call());
    let found = subjects::get(oubli, &world.caller(), ada).await.unwrap();
    let identifier = found.identifiers[0].identifier;
    let narrow = hold(&world, ada, Some("invoice"), None).await;
    let wide = hold(&world, ada, None, None).await;
    let kind = oubli_domain::IdentifierType::Email;
    let more = NewIdentifier { kind, value: Pii::new(email("ada-more")) };
    subjects::add(oubli, &call, ada, more).await.unwrap();

    assert_eq!(refused(subjects::remove(oubli, &call, ada, identifier).await), Code::Held);
    let by_email = SubjectSelector::Identifier { kind, value: Pii::new(email("ada")) };
    assert!(subjects::lookup(oubli, &world.caller(), &by_email).await.is_ok());
    let profile = key(ada, "profile", "main");
    let patch = records::patch(oubli, &call, &profile, json!({ "tags": "none" }), None).await;
    assert_eq!(refused(patch), Code::Held);
    released(&world, wide).await;
    subjects::remove(oubli, &call, ada, identifier).await.unwrap();
    records::patch(oubli, &call, &profile, json!({ "tags": "none" }), None).await.unwrap();
    let invoice = key(ada, "invoice", "1");
    assert_eq!(refused(records::delete(oubli, &call, &invoice, None).await), Code::Held);
    released(&world, narrow).await;
    records::delete(oubli, &call, &invoice, None).await.unwrap();
}

#[tokio::test]
async fn a_batch_refuses_the_items_that_a_hold_covers_alone() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    hold(&world, ada, Some("invoice"), None).await;
    let item = |subject: SubjectId, category: &str, record: &str, body| records::BatchItem {
        subject: SubjectSelector::Id(subject),
        category: name(category),
        record: key(subject, category, record).record,
        body,
        if_match: None,
    };
    let items = vec![
        item(ada, "invoice", "1", json!({ "total": 99 })),
        item(ada, "profile", "main", json!({ "name": "Ada" })),
        item(bob, "invoice", "1", json!({ "total": 99 })),
        item(ada, "invoice", "new", json!({ "total": 1 })),
    ];
    let results = records::put_batch(&world.oubli, &world.call(), items).await.unwrap();
    let told: Vec<_> = results.iter().map(|r| serde_json::to_value(r).unwrap()).collect();
    assert_eq!((&told[0]["problem"], &told[0]["status"]), (&json!("held"), &json!(409)));
    assert!(told[1..].iter().all(|result| result["result"] == "put"), "{told:?}");
}

#[tokio::test]
async fn holds_are_shown_with_their_note_and_listed_without() {
    let world = World::new().await;
    let (ada, bob) = (world.customer("ada").await, world.customer("bob").await);
    let first = hold(&world, ada, Some("invoice"), None).await;
    world.clock.advance(1);
    let second = hold(&world, bob, None, None).await;
    let (oubli, caller) = (&world.oubli, world.caller());
    let (shown, note) = get(oubli, &caller, first).await.unwrap();
    assert_eq!((shown.subject, shown.released_at), (Some(ada), None));
    assert_eq!(note.unwrap().expose(), "The invoice is disputed.");
    released(&world, first).await;
    let (shown, _) = get(oubli, &caller, first).await.unwrap();
    assert_eq!(shown.release_reason, Some(ReleaseReason::Ended));

    let ids = async |filter: Filter| -> Vec<HoldId> {
        let found = list(oubli, &caller, filter, None, 10).await.unwrap();
        found.iter().map(|hold| hold.hold).collect()
    };
    let all = Filter::default();
    assert_eq!(ids(all).await, [first, second]);
    assert_eq!(ids(Filter { subject: Some(ada), ..all }).await, [first]);
    assert_eq!(ids(Filter { standing: Some(true), ..all }).await, [second]);
    assert_eq!(ids(Filter { standing: Some(false), ..all }).await, [first]);
    assert!(ids(Filter { subject: Some(ada), standing: Some(true) }).await.is_empty());
    let after = list(oubli, &caller, all, Some(first), 10).await.unwrap();
    assert_eq!(after.len(), 1);
}

#[tokio::test]
async fn what_is_wrong_is_refused_and_sets_nothing() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let nobody = SubjectId::fresh(world.oubli.now());
    let good = || new_hold(ada, None, None);
    for (new, code) in [
        (NewHold { legal_reference: String::new(), ..good() }, Code::InvalidBody),
        (NewHold { legal_reference: "x".repeat(MAX_REFERENCE + 1), ..good() }, Code::InvalidBody),
        (NewHold { note: Some(Pii::new("x".repeat(MAX_NOTE + 1))), ..good() }, Code::InvalidBody),
        (new_hold(ada, Some("nothing"), None), Code::UnknownCategory),
        (new_hold(ada, Some("identifiers"), None), Code::InvalidBody),
        (new_hold(ada, Some("invoice"), Some("nothing")), Code::InvalidBody),
        (new_hold(ada, None, Some("total")), Code::InvalidBody),
        (new_hold(nobody, None, None), Code::SubjectNotFound),
    ] {
        assert_eq!(refused(set(&world.oubli, &world.call(), new).await), code);
    }
    let found = list(&world.oubli, &world.caller(), Filter::default(), None, 10).await.unwrap();
    assert!(found.is_empty());
    let unknown = HoldId::fresh(world.oubli.now());
    let call = world.call();
    let gone = release(&world.oubli, &call, unknown, ReleaseReason::Ended).await;
    assert_eq!(refused(gone), Code::HoldNotFound);
    let hold = hold(&world, ada, None, None).await;
    released(&world, hold).await;
    let again = release(&world.oubli, &call, hold, ReleaseReason::SetInError).await;
    assert_eq!(refused(again), Code::HoldReleased);
    let market = crate::testing::app(&world.oubli, "market").await;
    let foreign = crate::Call::system(market);
    assert_eq!(refused(get(&world.oubli, &foreign.caller, hold).await), Code::HoldNotFound);
}

#[tokio::test]
async fn a_repeat_with_its_key_sets_no_second_hold() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let mut call = world.call();
    call.once = Some(world.oubli.once("staff", "key-1", "POST", "/holds", b"{}").unwrap());
    let first = set(&world.oubli, &call, new_hold(ada, None, None)).await.unwrap();
    assert_eq!(set(&world.oubli, &call, new_hold(ada, None, None)).await.unwrap(), first);
    let found = list(&world.oubli, &world.caller(), Filter::default(), None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    call.once = Some(world.oubli.once("staff", "key-2", "POST", "/release", b"{}").unwrap());
    let done = release(&world.oubli, &call, first.hold, ReleaseReason::Ended).await.unwrap();
    world.clock.advance(5);
    let again = release(&world.oubli, &call, first.hold, ReleaseReason::Ended).await.unwrap();
    assert_eq!(again, done);
}

#[tokio::test]
async fn once_an_erasure_is_acknowledged_no_hold_is_set_or_released() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, Some("invoice"), None).await;
    world.request(Right::Erasure, ada).await;
    let (oubli, call) = (&world.oubli, world.call());
    let late = set(oubli, &call, new_hold(ada, None, None)).await;
    assert_eq!(refused(late), Code::SubjectErasing);
    let release = release(oubli, &call, held, ReleaseReason::Ended).await;
    assert_eq!(refused(release), Code::SubjectErasing);
}

#[tokio::test]
async fn of_a_hold_and_a_deletion_beside_it_the_first_counts() {
    let world = World::new().await;
    let (oubli, call) = (&world.oubli, world.call());
    for n in 0..12 {
        let ada = world.customer(&format!("ada-{n}")).await;
        let invoice = key(ada, "invoice", "1");
        let setting = set(oubli, &call, new_hold(ada, Some("invoice"), None));
        let (set, deleted) = if n % 2 == 0 {
            join(setting, records::delete(oubli, &call, &invoice, None)).await
        } else {
            let (deleted, set) = join(records::delete(oubli, &call, &invoice, None), setting).await;
            (set, deleted)
        };
        set.unwrap();
        // Either it was gone before the hold stood, or it is there for good.
        let again = records::delete(oubli, &call, &invoice, None).await;
        match deleted {
            Ok(_) => assert_eq!(refused(again), Code::RecordNotFound),
            Err(error) => {
                assert_eq!(error.refusal().code, Code::Held);
                assert_eq!(refused(again), Code::Held);
            }
        }
    }
}

#[tokio::test]
async fn a_hold_that_was_released_lets_an_erasure_take_all() {
    let world = World::new().await;
    let ada = world.customer("ada").await;
    let held = hold(&world, ada, None, None).await;
    released(&world, held).await;
    let request = world.request(Right::Erasure, ada).await;
    world.work().await;
    assert!(world.details(request).await.certificate);
    let gone = get(&world.oubli, &world.caller(), held).await;
    assert_eq!(refused(gone), Code::HoldNotFound);
}
