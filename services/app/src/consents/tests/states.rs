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
            let theirs = events.iter().filter(|e| e.purpose == row.purpose).cloned();
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
async fn a_grant_expires() {
    let shop = Shop::open().await;
    shop.record(&newsletter(Action::Granted)).await.unwrap();
    shop.clock.advance(364 * 86_400);
    assert_eq!(shop.now("newsletter").await, State::Granted);
    shop.clock.advance(2 * 86_400);
    assert_eq!(shop.now("newsletter").await, State::Expired);
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
        after = Some((last.seq, last.id));
        read.extend(page.iter().map(|event| event.id));
    }
    assert_eq!(read, recorded);
}
