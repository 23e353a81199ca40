#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checks;
mod receipts;
mod recording;
mod signals;
mod states;

use std::sync::Arc;

use oubli_domain::SubjectId;
use oubli_domain::clock::TestClock;
use oubli_domain::consent::{Action, Language, Signals, State};
use oubli_domain::request::SubjectState;
use oubli_store::subjects;
use tempfile::TempDir;

use super::{AsOf, CallerId, NewConsent, Recorded, record, state};
use crate::data_map::tests::{name, opened, somebody};
use crate::notices::tests::notice;
use crate::{Call, Oubli, Result, notices, testing};

/// A shop with its data map, a first version of both notices, and one person.
struct Shop {
    oubli: Arc<Oubli>,
    clock: Arc<TestClock>,
    call: Call,
    person: SubjectId,
    _dir: TempDir,
}

impl Shop {
    async fn open() -> Self {
        let (dir, oubli, clock) = testing::oubli().await;
        let call = opened(&oubli).await;
        let person = somebody(&oubli, &call).await;
        let shop = Self { oubli, clock, call, person, _dir: dir };
        shop.put_notice("news", "First", false).await;
        shop.put_notice("advice", "First", false).await;
        shop
    }

    async fn put_notice(&self, to: &str, text: &str, requires_renewal: bool) {
        let new = notice(&[("en", text), ("de-AT", text)], requires_renewal);
        notices::put(&self.oubli, &self.call, &name(to), &new).await.unwrap();
    }

    async fn record(&self, new: &NewConsent) -> Result<Recorded> {
        record(&self.oubli, &self.call, self.person, new).await
    }

    async fn state_of(&self, purpose: &str, as_of: AsOf) -> State {
        let states = state(&self.oubli, &self.call.caller, self.person, as_of).await.unwrap();
        states.into_iter().find(|s| s.purpose == name(purpose)).unwrap().consent.state
    }

    async fn now(&self, purpose: &str) -> State {
        self.state_of(purpose, AsOf::default()).await
    }

    async fn set_state(&self, to: SubjectState) {
        let (app, person) = (self.call.caller.app.clone(), self.person);
        self.oubli
            .data()
            .write("test", move |tx| {
                let app = app.clone();
                Box::pin(async move { subjects::set_state(tx, &app, person, to).await })
            })
            .await
            .unwrap();
    }
}

/// An event about the newsletter: a grant under version 1 in English, others without a notice.
fn newsletter(action: Action) -> NewConsent {
    let shown = action == Action::Granted;
    NewConsent {
        purpose: name("newsletter"),
        action,
        notice_version: shown.then_some(1),
        language: shown.then(|| Language::new("en").unwrap()),
        id: None,
        signals: Signals::default(),
    }
}

fn with_id(new: NewConsent, id: &str) -> NewConsent {
    NewConsent { id: Some(CallerId::new(id).unwrap()), ..new }
}
