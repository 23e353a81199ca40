use oubli_domain::Code;
use oubli_domain::consent::{Action, Gpp, Signals, State};
use oubli_store::consents;

use super::super::{NewConsent, RecordedEvent, history};
use super::{Shop, newsletter, with_id};
use crate::Error;
use crate::testing::refused;

fn signals(gpc: bool, gpp: &str) -> Signals {
    Signals { gpc: Some(gpc), gpp: Some(Gpp::new(gpp).unwrap()) }
}

#[tokio::test]
async fn signals_are_kept_as_they_came_and_change_no_state() {
    let shop = Shop::open().await;
    let said = signals(true, "DBABMA~CHOICE.AA");
    let new = NewConsent { signals: said.clone(), ..newsletter(Action::Granted) };
    shop.record(&new).await.unwrap();
    assert_eq!(shop.now("newsletter").await, State::Granted);
    let (oubli, caller) = (&shop.oubli, &shop.call.caller);
    let told = history(oubli, caller, shop.person, None, 10).await.unwrap();
    assert_eq!(told[0].signals, said);
    let mut conn = oubli.data().conn().await.unwrap();
    let rows = consents::history(&mut conn, &caller.app, shop.person, None, 10).await.unwrap();
    let sealed = rows[0].signals.gpp.clone().unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("CHOICE"));
}

#[tokio::test]
async fn a_string_that_was_sealed_for_another_event_does_not_open() {
    let shop = Shop::open().await;
    for gpp in ["DBABMA~FIRST", "DBABMA~SECOND"] {
        let new = NewConsent { signals: signals(false, gpp), ..newsletter(Action::Granted) };
        shop.record(&new).await.unwrap();
    }
    let app = &shop.call.caller.app;
    let mut conn = shop.oubli.data().conn().await.unwrap();
    let mut rows = consents::history(&mut conn, app, shop.person, None, 10).await.unwrap();
    let key = shop.oubli.keyring().data_key(app, shop.person).await.unwrap();
    let swapped = rows.remove(1).signals;
    rows[0].signals = swapped;
    let opened = RecordedEvent::open(&key, rows.remove(0));
    assert!(matches!(opened, Err(Error::Vault(_))), "{opened:?}");
}

#[tokio::test]
async fn a_repeat_says_the_same_signals() {
    let shop = Shop::open().await;
    let of = |action, signals| with_id(NewConsent { signals, ..newsletter(action) }, "web-1");
    let first = of(Action::Granted, signals(true, "DBABMA~A"));
    let event = shop.record(&first).await.unwrap().event;
    assert_eq!(shop.record(&first).await.unwrap().event, event);
    for other in [signals(false, "DBABMA~A"), signals(true, "DBABMA~B"), Signals::default()] {
        let other = of(Action::Granted, other);
        assert_eq!(refused(shop.record(&other).await), Code::InvalidConsent);
    }
    let withdrawal =
        |signals| with_id(NewConsent { signals, ..newsletter(Action::Withdrawn) }, "2");
    let event = shop.record(&withdrawal(Signals::default())).await.unwrap().event;
    let again = shop.record(&withdrawal(signals(true, "DBAA"))).await.unwrap();
    assert_eq!(again.event, event, "taking back is never harder for what came with it");
}
