//! Single calls whose process is killed at each of their writes: what was not acknowledged is there
//! whole or not at all, and a repeat with the same key does it once.

use std::collections::BTreeMap;

use futures_util::future::join;
use oubli_tests::{Caller, Engine, Reply, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::{ANY, Place, data, keys, reached};
use crate::processes::installation::{Installation, open_shop};

const PUT: [Place; 5] = [
    data("insert", "idempotency", ANY),
    data("insert", "records", ANY),
    data("insert", "record_versions", ANY),
    data("insert", "events", "new.type = 'record.put'"),
    data("update", "idempotency", "new.answer is not null"),
];

const BATCH: [Place; 2] = [
    data("insert", "records", "new.record_id = 'r-19'"),
    data("insert", "events", "new.type = 'record.put'"),
];

const CONSENT: [Place; 3] = [
    data("insert", "consent_events", ANY),
    data("insert", "consent_states", ANY),
    data("insert", "events", "new.type = 'consent.granted'"),
];

const CREATE: [Place; 7] = [
    keys("insert", "subject_keys"),
    keys("insert", "blind_indexes"),
    data("insert", "claims", ANY),
    data("insert", "subjects", ANY),
    data("insert", "identifiers", ANY),
    data("insert", "events", "new.type = 'subject.created'"),
    keys("update", "subject_keys"),
];

/// How many items a batch has.
const ITEMS: usize = 20;

/// A call with a key of its own.
struct Once {
    key: String,
    method: Method,
    path: String,
    body: Value,
}

impl Once {
    fn new(key: String, method: Method, path: String, body: Value) -> Self {
        Self { key, method, path, body }
    }

    async fn send(&self, shop: &Caller) -> reqwest::Result<reqwest::Response> {
        let request = shop.request(self.method.clone(), &self.path);
        request.header("idempotency-key", &self.key).json(&self.body).send().await
    }

    async fn call(&self, shop: &Caller) -> Reply {
        let request = shop.request(self.method.clone(), &self.path);
        Reply::of(request.header("idempotency-key", &self.key).json(&self.body)).await
    }
}

/// How many events of each type the log has.
async fn told(shop: &Caller) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for item in shop.all_pages("/events", 1_000).await {
        *counts.entry(item["leaf"]["type"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    counts
}

/// Kills the service in the middle of a call at each place, then repeats the call twice.
async fn killed_at_each(
    own: &Installation,
    shop: &mut Caller,
    places: &[Place],
    call: impl Fn(usize) -> Once,
) {
    for (n, place) in places.iter().enumerate() {
        let (call, process) = (call(n), own.start("all").await);
        *shop = shop.at(&process.url);
        let mut held = place.stop(own).await;
        let killing = async {
            reached(&mut held, place).await;
            process.kill().await;
        };
        let (answer, ()) = join(call.send(shop), killing).await;
        assert!(answer.is_err(), "{place:?}: acknowledged before it was done");
        held.lift().await.unwrap();

        let process = own.start("all").await;
        *shop = shop.at(&process.url);
        let first = call.call(shop).await;
        assert!([200, 201].contains(&first.status), "{place:?}: {}", first.body);
        let again = call.call(shop).await;
        assert_eq!((again.status, again.body), (first.status, first.body), "{place:?}");
        process.stop().await;
    }
}

async fn open(engine: Engine) -> (Installation, Caller, String) {
    let own = Installation::new(engine).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    process.stop().await;
    (own, shop, ada)
}

both_engines! {
    async fn a_record_is_put_whole_and_once(engine: Engine) {
        let (own, mut shop, ada) = open(engine).await;
        let path = |n: usize| format!("/subjects/{ada}/records/profile/r-{n}");
        let put = |n: usize| {
            Once::new(format!("put-{n}"), Method::PUT, path(n), json!({ "name": format!("N {n}") }))
        };
        killed_at_each(&own, &mut shop, &PUT, put).await;
        let batch = |n: usize| {
            let item = |i: usize| json!({
                "subject": ada, "category": "invoice", "record": format!("r-{}", i + 20 * n),
                "body": { "date": "2025-03-01", "total": i },
            });
            let items: Vec<Value> = (0..ITEMS).map(item).collect();
            let (path, body) = ("/records:batch".to_owned(), json!({ "items": items }));
            Once::new(format!("batch-{n}"), Method::POST, path, body)
        };
        killed_at_each(&own, &mut shop, &BATCH, batch).await;

        let process = own.start("all").await;
        shop = shop.at(&process.url);
        for n in 0..PUT.len() {
            let read = shop.get(&format!("{}?purpose=delivery", path(n))).await.expect_status(200);
            assert_eq!(read.body["body"]["name"], format!("N {n}"));
            let versions = shop.all_pages(&format!("{}/versions", path(n)), 10).await;
            assert_eq!(versions.len(), 1, "{versions:?}");
        }
        let told = told(&shop).await;
        assert_eq!(told["record.put"], PUT.len() + BATCH.len() * ITEMS, "{told:?}");
        process.stop().await;
    }

    async fn a_consent_is_recorded_whole_and_once(engine: Engine) {
        let (own, mut shop, ada) = open(engine).await;
        let grant = |n: usize| {
            let body = json!({
                "purpose": "newsletter", "action": "granted", "notice_version": 1,
                "language": "en", "id": format!("c-{n}"),
            });
            let path = format!("/subjects/{ada}/consents");
            Once::new(format!("grant-{n}"), Method::POST, path, body)
        };
        killed_at_each(&own, &mut shop, &CONSENT, grant).await;
        let process = own.start("all").await;
        shop = shop.at(&process.url);
        let history = shop.all_pages(&format!("/subjects/{ada}/consents/events"), 100).await;
        assert_eq!(history.len(), CONSENT.len(), "{history:?}");
        assert_eq!(told(&shop).await["consent.granted"], CONSENT.len());
        assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);
        process.stop().await;
    }

    async fn a_person_is_created_whole_and_once(engine: Engine) {
        let (own, mut shop, _) = open(engine).await;
        let email = |n: usize| format!("new-{n}@example.org");
        let create = |n: usize| {
            let body = json!({ "identifiers": [{ "type": "email", "value": email(n) }] });
            Once::new(format!("create-{n}"), Method::POST, "/subjects".to_owned(), body)
        };
        killed_at_each(&own, &mut shop, &CREATE, create).await;
        let process = own.start("all").await;
        shop = shop.at(&process.url);
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 1 + CREATE.len());
        assert_eq!(told(&shop).await["subject.created"], 1 + CREATE.len());
        for n in 0..CREATE.len() {
            let found = shop.lookup("email", &email(n)).await.expect_status(200).text("/subject");
            let path = format!("/subjects/{found}/records/profile/main");
            shop.put(&path, &json!({})).await.expect_status(201);
        }
        process.stop().await;
    }
}
