//! Erasures and exports whose worker is killed at each of their steps.

use futures_util::future::join;
use oubli_store::{Schema, testing};
use oubli_tests::{Caller, Engine, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ANY, Place, data, keys, reached};
use crate::processes::crashes::{erased_once, exported_once};
use crate::processes::installation::{Installation, Process, customer, open_shop};

/// The acknowledgement, then every step in its order; rows and keys go while a step is under way.
const ERASURE: [Place; 13] = [
    data("insert", "requests", ANY),
    data("update", "requests", "new.step = 'planned'"),
    data("update", "requests", "new.step = 'journaled'"),
    data("update", "requests", "new.step = 'kept'"),
    data("delete", "records", ANY),
    data("delete", "subjects", ANY),
    data("update", "requests", "new.step = 'data_deleted'"),
    keys("delete", "blind_indexes"),
    keys("delete", "subject_keys"),
    data("update", "requests", "new.step = 'keys_deleted'"),
    data("update", "requests", "new.step = 'verified'"),
    data("insert", "certificates", ANY),
    data("update", "requests", "new.state = 'completed'"),
];

const EXPORT: [Place; 6] = [
    data("insert", "requests", ANY),
    data("insert", "exports", ANY),
    data("insert", "export_chunks", ANY),
    data("insert", "events", "new.type = 'request.exported'"),
    data("update", "requests", "new.step = 'built'"),
    data("update", "requests", "new.step = 'ready'"),
];

/// The service of a shop that is killed again and again.
pub(super) struct Mortal {
    pub(super) own: Installation,
    pub(super) process: Option<Process>,
    pub(super) shop: Caller,
}

impl Mortal {
    async fn born(engine: Engine) -> Self {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        Self::born_with(own, &client).await
    }

    /// The same in an installation that the test has prepared.
    pub(super) async fn born_with(own: Installation, client: &(String, String)) -> Self {
        let process = own.start("all").await;
        let shop = open_shop(&process, client).await;
        Self { own, process: Some(process), shop }
    }

    /// Makes a request and kills the service at a place on its way, once the request was acknowledged
    /// if the place comes after that; gives the request if it was.
    pub(super) async fn killed_at(
        &mut self,
        place: &Place,
        right: &str,
        subject: &str,
        is_later: bool,
    ) -> Option<String> {
        let mut stop = place.stop(&self.own).await;
        let body = json!({ "right": right, "subject": subject });
        let asking = self.shop.request(Method::POST, "/requests").json(&body).send();
        let process = self.process.take().unwrap();
        let killing = async {
            reached(&mut stop, place).await;
            process.kill().await;
        };
        let answer = if is_later {
            let answer = asking.await.unwrap();
            killing.await;
            Ok(answer)
        } else {
            join(asking, killing).await.0
        };
        stop.lift().await.unwrap();
        let answer = answer.ok().filter(|answer| answer.status() == 202)?;
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        Some(body["request"].as_str().unwrap().to_owned())
    }

    /// Another process goes on, once the lease of the dead one is over.
    pub(super) async fn resurrect(&mut self) {
        testing::make_jobs_due(&self.own.location(Schema::Data)).await.unwrap();
        let process = self.own.start("all").await;
        self.shop = self.shop.at(&process.url);
        self.process = Some(process);
    }

    /// Kills a request of each person at the place of their number; all of them end.
    async fn killed_at_each(
        &mut self,
        places: &[Place],
        right: &str,
        people: &[String],
    ) -> Vec<String> {
        let mut requests = Vec::new();
        for (n, (place, subject)) in places.iter().zip(people).enumerate() {
            let acknowledged = self.killed_at(place, right, subject, n > 0).await;
            assert_eq!(acknowledged.is_some(), n > 0, "{place:?}");
            self.resurrect().await;
            let request = if let Some(request) = acknowledged {
                request
            } else {
                // Nothing of it is there: the person was not even marked.
                self.shop.get(&format!("/subjects/{subject}")).await.expect_status(200);
                self.shop.request_of(right, subject).await
            };
            self.shop.completed(&request).await;
            requests.push(request);
        }
        requests
    }
}

async fn people(shop: &Caller, name: &str, count: usize) -> Vec<String> {
    let mut people = Vec::new();
    for n in 0..count {
        people.push(customer(shop, &format!("{name}-{n}@example.org")).await);
    }
    people
}

both_engines! {
    async fn an_erasure_killed_at_any_step_ends_once_and_whole(engine: Engine) {
        let mut mortal = Mortal::born(engine).await;
        let leave = people(&mortal.shop, "leaves", ERASURE.len()).await;
        let stays = customer(&mortal.shop, "stays@example.org").await;
        let requests = mortal.killed_at_each(&ERASURE, "erasure", &leave).await;
        erased_once(&mortal.shop, &requests).await;
        for (n, subject) in leave.iter().enumerate() {
            let gone = mortal.shop.get(&format!("/subjects/{subject}")).await;
            gone.expect_problem(404, "subject-not-found");
            let looked_up = mortal.shop.lookup("email", &format!("leaves-{n}@example.org")).await;
            looked_up.expect_problem(404, "subject-not-found");
        }
        let left = mortal.shop.all_pages("/subjects", 100).await;
        assert_eq!((left.len(), &left[0]["subject"]), (1, &json!(stays)));
        mortal.process.unwrap().stop().await;
    }

    async fn an_export_killed_at_any_step_ends_once_and_whole(engine: Engine) {
        let mut mortal = Mortal::born(engine).await;
        let people = people(&mortal.shop, "person", EXPORT.len()).await;
        let requests = mortal.killed_at_each(&EXPORT, "access", &people).await;
        exported_once(&mortal.shop, &requests).await;
        assert_eq!(mortal.shop.all_pages("/requests", 100).await.len(), EXPORT.len());
        mortal.process.unwrap().stop().await;
    }
}
