use oubli_domain::consent::{Action, Language, State};
use oubli_domain::request::SubjectState;
use oubli_domain::{Code, SubjectId};
use oubli_store::events::{self, Search};
use serde_json::json;

use super::super::{BatchItem, BatchResult, CallerId, NewConsent, history, record, record_batch};
use super::{Shop, newsletter, with_id};
use crate::data_map;
use crate::data_map::tests::{name, shop, somebody};
use crate::subjects::SubjectSelector;
use crate::testing::refused;

#[tokio::test]
async fn the_newest_word_counts_also_when_the_clock_steps_back() {
    let shop = Shop::open().await;
    let granted = shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.clock.advance(-3_600);
    let withdrawn = shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    assert!(withdrawn.occurred_at > granted.occurred_at);
    assert_eq!(shop.now("newsletter").await, State::Withdrawn);
    shop.clock.advance(3_600);
    assert_eq!(shop.now("newsletter").await, State::Withdrawn);
}

#[tokio::test]
async fn of_two_at_the_same_instant_the_later_one_counts() {
    let shop = Shop::open().await;
    for action in [Action::Withdrawn, Action::Granted] {
        assert_ne!(shop.now("newsletter").await, State::Granted);
        // A withdrawal of what was never given needs the purpose to be in force, nothing else.
        shop.record(&newsletter(action)).await.unwrap();
    }
    assert_eq!(shop.now("newsletter").await, State::Granted);
}

#[tokio::test]
async fn a_repeat_answers_the_first_event() {
    let shop = Shop::open().await;
    let new = with_id(newsletter(Action::Granted), "web-1");
    let first = shop.record(&new).await.unwrap();
    shop.clock.advance(60);
    let again = shop.record(&new).await.unwrap();
    assert_eq!((again.event, again.occurred_at), (first.event, first.occurred_at));
    assert!(again.repeated && !first.repeated);
    let other = with_id(newsletter(Action::Withdrawn), "web-1");
    assert_eq!(refused(shop.record(&other).await), Code::InvalidConsent);
    let person = history(&shop.oubli, &shop.call.caller, shop.person, None, 10).await.unwrap();
    assert_eq!(person.len(), 1);
    // The id counts for one person.
    let second = somebody(&shop.oubli, &shop.call).await;
    let theirs = record(&shop.oubli, &shop.call, second, &new).await.unwrap();
    assert!(!theirs.repeated);
}

#[tokio::test]
async fn a_repeat_is_answered_after_its_purpose_has_gone() {
    let shop = Shop::open().await;
    let new = with_id(newsletter(Action::Granted), "web-1");
    let first = shop.record(&new).await.unwrap();
    without_newsletter(&shop).await;
    assert_eq!(shop.record(&new).await.unwrap().event, first.event);
    assert_eq!(refused(shop.record(&newsletter(Action::Granted)).await), Code::UnknownPurpose);
}

#[test]
fn caller_ids_are_visible_and_short() {
    assert!(CallerId::new("a".repeat(128)).is_ok());
    for bad in ["", "a b", "é", "a\n", &"a".repeat(129)] {
        assert_eq!(CallerId::new(bad).unwrap_err().code, Code::InvalidId, "{bad}");
    }
}

#[tokio::test]
async fn a_grant_names_a_text_that_there_is() {
    let shop = Shop::open().await;
    let new = newsletter(Action::Granted);
    let french = Language::new("fr").unwrap();
    for wrong in [
        NewConsent { notice_version: Some(2), ..new.clone() },
        NewConsent { language: Some(french.clone()), ..new.clone() },
        NewConsent { notice_version: None, ..new.clone() },
        NewConsent { language: None, ..new.clone() },
        NewConsent { notice_version: None, language: None, ..new.clone() },
        NewConsent { purpose: name("fulfil"), ..new.clone() },
        NewConsent { action: Action::Refused, notice_version: Some(9), ..new.clone() },
    ] {
        assert_eq!(refused(shop.record(&wrong).await), Code::InvalidConsent, "{wrong:?}");
    }
    let unknown = NewConsent { purpose: name("nothing"), ..new.clone() };
    assert_eq!(refused(shop.record(&unknown).await), Code::UnknownPurpose);
    assert_eq!(shop.now("newsletter").await, State::None, "nothing was recorded");

    let austrian = NewConsent { language: Some(Language::new("de-at").unwrap()), ..new };
    shop.record(&austrian).await.unwrap();
    let all = history(&shop.oubli, &shop.call.caller, shop.person, None, 10).await.unwrap();
    let shown = all[0].event.shown.as_ref().unwrap();
    assert_eq!(shown.language.as_str(), "de-AT", "the tag is the notice's own");
}

#[tokio::test]
async fn withdrawing_is_as_easy_as_consenting() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    let wrong_version = NewConsent {
        notice_version: Some(7),
        language: Some(Language::new("fr").unwrap()),
        ..newsletter(Action::Withdrawn)
    };
    shop.record(&wrong_version).await.unwrap();
    assert_eq!(shop.now("newsletter").await, State::Withdrawn);

    shop.record(&newsletter(Action::Granted)).await.unwrap();
    without_newsletter(&shop).await;
    shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    assert_eq!(shop.now("newsletter").await, State::Withdrawn, "also when the purpose has gone");
    let never = NewConsent { purpose: name("nothing"), ..newsletter(Action::Withdrawn) };
    assert_eq!(refused(shop.record(&never).await), Code::UnknownPurpose);
}

#[tokio::test]
async fn a_restriction_stops_grants_alone_and_an_erasure_everything() {
    let shop = Shop::open().await;
    shop.set_state(SubjectState::Restricted).await;
    let granted = shop.record(&newsletter(Action::Granted)).await;
    assert_eq!(refused(granted), Code::SubjectRestricted);
    shop.record(&newsletter(Action::Refused)).await.unwrap();
    shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    shop.set_state(SubjectState::Erasing).await;
    let late = shop.record(&newsletter(Action::Withdrawn)).await;
    assert_eq!(refused(late), Code::SubjectErasing);
    let nobody = SubjectId::fresh(shop.oubli.now());
    let result = record(&shop.oubli, &shop.call, nobody, &newsletter(Action::Refused)).await;
    assert_eq!(refused(result), Code::SubjectNotFound);
}

#[tokio::test]
async fn a_batch_keeps_what_is_right_and_the_order_of_each_person() {
    let shop = Shop::open().await;
    let item = |consent| BatchItem { subject: SubjectSelector::Id(shop.person), consent };
    let nobody = SubjectSelector::Id(SubjectId::fresh(shop.oubli.now()));
    let items = [
        item(with_id(newsletter(Action::Granted), "1")),
        BatchItem { subject: nobody, consent: newsletter(Action::Granted) },
        item(NewConsent { notice_version: Some(5), ..newsletter(Action::Granted) }),
        item(newsletter(Action::Withdrawn)),
        item(with_id(newsletter(Action::Granted), "1")),
    ];
    let results = record_batch(&shop.oubli, &shop.call, &items).await.unwrap();
    let told: Vec<String> = results
        .iter()
        .map(|result| match result {
            BatchResult::Recorded(recorded) if recorded.repeated => "repeated".to_owned(),
            BatchResult::Recorded(_) => "recorded".to_owned(),
            BatchResult::Refused { problem, .. } => problem.clone(),
        })
        .collect();
    let expected = ["recorded", "subject-not-found", "invalid-consent", "recorded", "repeated"];
    assert_eq!(told, expected);
    assert_eq!(shop.now("newsletter").await, State::Withdrawn);
    let none = record_batch(&shop.oubli, &shop.call, &[]).await;
    assert_eq!(refused(none), Code::InvalidBody);
}

#[tokio::test]
async fn an_idempotent_batch_is_recorded_once() {
    let shop = Shop::open().await;
    let mut call = shop.call.clone();
    call.once = Some(shop.oubli.once("system", "key-1", "POST", "/path", b"{}").unwrap());
    let items = [BatchItem {
        subject: SubjectSelector::Id(shop.person),
        consent: newsletter(Action::Granted),
    }];
    let first = record_batch(&shop.oubli, &call, &items).await.unwrap();
    assert_eq!(record_batch(&shop.oubli, &call, &items).await.unwrap(), first);
    let all = history(&shop.oubli, &shop.call.caller, shop.person, None, 10).await.unwrap();
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn every_event_is_in_the_log_without_the_purpose_in_its_leaf() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    let mut conn = shop.oubli.data().conn().await.unwrap();
    let leaves = events::list(&mut conn, &shop.call.caller.app, &Search::default(), None, 100)
        .await
        .unwrap();
    let of = |kind: &str| leaves.iter().filter(|(_, leaf)| leaf.contains(kind)).count();
    assert_eq!((of("\"consent.granted\""), of("\"consent.withdrawn\"")), (1, 1));
    assert!(leaves.iter().all(|(_, leaf)| !leaf.contains("newsletter")));
}

async fn without_newsletter(of: &Shop) {
    let mut map = shop();
    map["purposes"].as_object_mut().unwrap().shift_remove("newsletter");
    assert_ne!(map["purposes"], json!({}));
    data_map::put(&of.oubli, &of.call, map).await.unwrap();
}
