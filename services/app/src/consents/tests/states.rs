use oubli_domain::Code;
use oubli_domain::consent::{Action, CurrentConsent, State};

use super::super::{AsOf, NewConsent, history, state};
use super::{Shop, newsletter};
use crate::data_map::tests::name;
use crate::testing::refused;

/// A generator that gives the same numbers each time (xorshift, 64 bits).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

#[tokio::test]
async fn the_current_state_is_the_fold_of_the_history() {
    let shop = Shop::open().await;
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let mut numbers = Numbers(0x5eed);
    for step in 0..60 {
        let hours = i64::try_from(numbers.below(5)).unwrap() - 1;
        shop.clock.advance(hours * 3_600);
        let action = Action::ALL[usize::try_from(numbers.below(3)).unwrap()];
        let purpose = ["newsletter", "advice"][usize::try_from(numbers.below(2)).unwrap()];
        if numbers.below(15) == 0 {
            shop.put_notice("news", &format!("Text {step}"), true).await;
        }
        let new = NewConsent { purpose: name(purpose), ..newsletter(action) };
        shop.record(&new).await.unwrap();

        let rows = state(oubli, caller, shop.person, AsOf::default()).await.unwrap();
        let events = history(oubli, caller, shop.person, None, 100).await.unwrap();
        let mut conn = oubli.data().conn().await.unwrap();
        let model = oubli.model(&mut conn, &caller.app).await.unwrap();
        for row in rows {
            let theirs =
                events.iter().map(|e| e.event.clone()).filter(|e| e.purpose == row.purpose);
            let terms = model.terms(&row.purpose).unwrap();
            let latest = oubli_domain::consent::Latest::fold(theirs);
            let folded = CurrentConsent::of(latest, &terms, oubli.now());
            assert_eq!(row.consent, folded, "step {step}");
        }
    }
}

#[tokio::test]
async fn a_person_who_was_never_asked_has_every_purpose_with_none() {
    let shop = Shop::open().await;
    let states = state(&shop.oubli, &shop.call.caller, shop.person, AsOf::default()).await.unwrap();
    let told: Vec<_> =
        states.iter().map(|s| (s.purpose.as_str(), s.in_force, s.consent.state)).collect();
    assert_eq!(told, [("advice", true, State::None), ("newsletter", true, State::None)]);
}

#[tokio::test]
async fn what_was_true_and_what_was_known() {
    let shop = Shop::open().await;
    let start = shop.oubli.now();
    shop.clock.advance(10);
    let granted = shop.oubli.now();
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.clock.advance(10);
    let withdrawn = shop.oubli.now();
    shop.record(&newsletter(Action::Withdrawn)).await.unwrap();
    shop.clock.advance(10);

    let at = |at, known_at| AsOf { at, known_at };
    for (as_of, expected) in [
        (at(Some(start), None), State::None),
        (at(Some(granted), None), State::Granted),
        (at(Some(withdrawn), None), State::Withdrawn),
        (at(None, Some(granted)), State::Granted),
        (at(Some(withdrawn), Some(granted)), State::Granted),
        (at(Some(granted), Some(start)), State::None),
        (at(Some(shop.oubli.now()), Some(shop.oubli.now())), State::Withdrawn),
    ] {
        assert_eq!(shop.state_of("newsletter", as_of).await, expected, "{as_of:?}");
    }
    let tomorrow = Some(shop.oubli.now().plus_seconds(1));
    for as_of in [at(tomorrow, None), at(None, tomorrow)] {
        let result = state(&shop.oubli, &shop.call.caller, shop.person, as_of).await;
        assert_eq!(refused(result), Code::FutureTime);
    }
}

#[tokio::test]
async fn a_renewal_outdates_older_grants_from_then_on() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    let before = shop.oubli.now();
    shop.clock.advance(60);
    shop.put_notice("news", "Reworded", false).await;
    assert_eq!(shop.now("newsletter").await, State::Granted, "this version asks for nothing");
    shop.clock.advance(60);
    shop.put_notice("news", "Another purpose", true).await;
    let renewed = shop.oubli.now();
    assert_eq!(shop.now("newsletter").await, State::Outdated);
    shop.clock.advance(60);
    shop.put_notice("news", "Yet another", true).await;

    let at = |at| AsOf { at: Some(at), known_at: None };
    assert_eq!(shop.state_of("newsletter", at(before)).await, State::Granted);
    let then = shop.state_of("newsletter", at(renewed)).await;
    assert_eq!(then, State::Outdated, "by the renewal that stood then");
    let newest = NewConsent { notice_version: Some(4), ..newsletter(Action::Granted) };
    shop.record(&newest).await.unwrap();
    assert_eq!(shop.now("newsletter").await, State::Granted);
}

#[tokio::test]
async fn a_grant_under_a_version_that_was_renewed_is_outdated_at_once() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.clock.advance(60);
    shop.put_notice("news", "Second", true).await;
    let renewed = shop.oubli.now();
    let since = async || {
        let states = state(&shop.oubli, &shop.call.caller, shop.person, AsOf::default()).await;
        let told = states.unwrap().into_iter().find(|s| s.purpose == name("newsletter")).unwrap();
        (told.consent.state, told.consent.since.unwrap())
    };
    assert_eq!(since().await, (State::Outdated, renewed));
    shop.clock.advance(60);
    shop.put_notice("news", "Third", true).await;
    assert_eq!(since().await, (State::Outdated, renewed), "since the first that it does not meet");
    shop.clock.advance(60);
    let late = shop.record(&newsletter(Action::Granted)).await.unwrap();
    assert_eq!(since().await, (State::Outdated, late.occurred_at), "kept, and permits nothing");
    let events = history(&shop.oubli, &shop.call.caller, shop.person, None, 10).await.unwrap();
    assert_eq!(events.len(), 2);
}

#[tokio::test]
async fn a_renewal_counts_from_its_acknowledgement_and_was_not_known_before() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    let before = shop.oubli.now();
    shop.clock.advance(60);
    shop.put_notice("news", "Second", true).await;
    let renewed = shop.oubli.now();
    let both = |at, known_at| AsOf { at: Some(at), known_at: Some(known_at) };
    assert_eq!(shop.state_of("newsletter", both(renewed, renewed)).await, State::Outdated);
    assert_eq!(shop.state_of("newsletter", both(renewed, before)).await, State::Granted);
    assert_eq!(shop.state_of("newsletter", both(before, renewed)).await, State::Granted);
    let known = AsOf { at: None, known_at: Some(before) };
    assert_eq!(shop.state_of("newsletter", known).await, State::Granted);
    shop.clock.advance(-90);
    assert_eq!(shop.now("newsletter").await, State::Outdated, "also when the clock steps back");
}

#[tokio::test]
async fn a_grant_expires_at_its_instant() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    let (granted, year) = (shop.oubli.now(), 365 * 86_400);
    shop.clock.advance(year - 1);
    assert_eq!(shop.now("newsletter").await, State::Granted);
    shop.clock.advance(1);
    let states = state(&shop.oubli, &shop.call.caller, shop.person, AsOf::default()).await.unwrap();
    let told = &states.iter().find(|s| s.purpose == name("newsletter")).unwrap().consent;
    let end = Some(granted.plus_seconds(year));
    assert_eq!((told.state, told.since, told.expires_at), (State::Expired, end, end));
    let before = AsOf { at: Some(shop.oubli.now().plus_seconds(-1)), known_at: None };
    assert_eq!(shop.state_of("newsletter", before).await, State::Granted);
    let at = AsOf { at: Some(shop.oubli.now()), known_at: None };
    assert_eq!(shop.state_of("newsletter", at).await, State::Expired);
}

#[tokio::test]
async fn the_history_is_in_the_order_of_recording_and_goes_on() {
    let shop = Shop::open().await;
    let mut recorded = Vec::new();
    for action in [Action::Granted, Action::Withdrawn, Action::Refused, Action::Granted] {
        recorded.push(shop.record(&newsletter(action)).await.unwrap().event);
        shop.clock.advance(-60);
    }
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let mut read = Vec::new();
    let mut after = None;
    loop {
        let page = history(oubli, caller, shop.person, after, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.event.seq, last.event.id));
        read.extend(page.iter().map(|recorded| recorded.event.id));
    }
    assert_eq!(read, recorded);
}
