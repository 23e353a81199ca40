//! What is held of a person whose erasure is killed while it is kept, and while it goes.

use oubli_tests::{Caller, PASSWORD, both_engines, eventually};
use serde_json::{Value, json};

use super::requests::Mortal;
use super::{ANY, Place, data, keys, reached};
use crate::processes::installation::{Installation, customer};

/// Where what is held is kept.
const KEEPING: [Place; 4] = [
    keys("insert", "kept_keys"),
    data("insert", "kept_items", ANY),
    data("update", "requests", "new.step = 'kept'"),
    data("delete", "records", ANY),
];

/// Where it goes.
const GOING: [Place; 4] = [
    data("update", "holds", "new.released_at is not null"),
    keys("delete", "kept_keys"),
    data("delete", "kept_items", ANY),
    data("insert", "certificates", "new.kind = 'supplement'"),
];

/// A DPO, made by the command line, who signs in.
async fn dpo(mortal: &Mortal) -> Caller {
    let login = json!({ "name": "dpo", "password": PASSWORD });
    let anonymous = Caller::new(&mortal.process.as_ref().unwrap().url);
    let session = anonymous.post("/v1/staff/login", &login).await.expect_status(200);
    anonymous.with_token(session.text("/access_token")).for_app("shop")
}

async fn hold(dpo: &Caller, subject: &str) -> String {
    let hold = json!({
        "subject": subject, "category": "invoice", "field": "total",
        "ground": "legal_obligation", "legal_reference": "HGB \u{a7} 257",
    });
    dpo.post("/holds", &hold).await.expect_status(201).text("/hold")
}

async fn kept(dpo: &Caller, hold: &str) -> Vec<Value> {
    let page = dpo.get(&format!("/kept-items?hold={hold}")).await.expect_status(200);
    page.body["items"].as_array().unwrap().clone()
}

/// All twenty totals, each as it was put.
async fn totals(dpo: &Caller, items: &[Value]) -> Vec<u64> {
    let ground = json!({ "ground": "legal_obligation" });
    let mut totals = Vec::new();
    for item in items {
        let path = format!("/kept-items/{}/read", item["item"].as_str().unwrap());
        let read = dpo.post(&path, &ground).await.expect_status(200);
        totals.push(read.body["body"]["total"].as_u64().unwrap());
    }
    totals.sort_unstable();
    totals
}

async fn emptied(dpo: &Caller, hold: &str) {
    eventually(async || kept(dpo, hold).await.is_empty().then_some(())).await;
}

/// What went by the supplements of a request.
async fn gone(shop: &Caller, request: &str) -> usize {
    let keys = shop.certificate(request).await.1;
    let path = format!("/requests/{request}/supplements");
    let found = shop.get(&path).await.expect_status(200).body;
    let jws = found["items"].as_array().unwrap().iter().map(|item| item["jws"].as_str().unwrap());
    jws.map(|jws| oubli_app::kept_items::verify_supplement(jws, &keys).unwrap().erased.len()).sum()
}

both_engines! {
    async fn what_is_kept_survives_a_kill_at_any_step_and_goes_once(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let create = ["user", "create", "--name", "dpo", "--role", "dpo"];
        own.run_with(&create, &format!("{PASSWORD}\n")).await.succeeds();
        let mut mortal = Mortal::born_with(own, &client).await;
        let mut dpo = dpo(&mortal).await;
        let mut erased = Vec::new();
        for (n, place) in KEEPING.iter().enumerate() {
            let subject = customer(&mortal.shop, &format!("held-{n}@example.org")).await;
            let hold = hold(&dpo, &subject).await;
            let request = mortal.killed_at(place, "erasure", &subject, true).await.unwrap();
            mortal.resurrect().await;
            dpo = dpo.at(&mortal.process.as_ref().unwrap().url);
            mortal.shop.completed(&request).await;
            let items = kept(&dpo, &hold).await;
            assert_eq!(totals(&dpo, &items).await, (0..20).collect::<Vec<u64>>(), "{place:?}");
            erased.push((hold, request));
        }
        for (place, (hold, request)) in GOING.iter().zip(&erased) {
            let mut stop = place.stop(&mortal.own).await;
            let path = format!("/holds/{hold}/release");
            let body = json!({ "reason": "ended" });
            let releasing = dpo.request(reqwest::Method::POST, &path).json(&body).send();
            let process = mortal.process.take().unwrap();
            let killing = async {
                reached(&mut stop, place).await;
                process.kill().await;
            };
            let (answer, ()) = futures_util::future::join(releasing, killing).await;
            stop.lift().await.unwrap();
            mortal.resurrect().await;
            dpo = dpo.at(&mortal.process.as_ref().unwrap().url);
            if answer.is_err() {
                // Its transaction was killed, or its answer was: whichever, it ends released.
                let again = dpo.post(&path, &body).await;
                assert!([200, 409].contains(&again.status), "{}", again.body);
            }
            emptied(&dpo, hold).await;
            assert_eq!(gone(&mortal.shop, request).await, 20, "{place:?}");
        }
        mortal.process.unwrap().stop().await;
    }
}
