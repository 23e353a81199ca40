//! Processes that are killed, and several at once: each request ends, and ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use oubli_app::certificate::{Claims, verify_certificate};
use oubli_tests::{Bundle, Caller, Engine, Reply, both_engines};
use serde_json::Value;

use super::installation::{Installation, customer, open_shop};

/// The kinds of events in the log, with how often each tells of a request.
async fn told(shop: &Caller) -> BTreeMap<(String, String), usize> {
    let mut counts = BTreeMap::new();
    for item in shop.all_pages("/events", 1_000).await {
        let leaf = &item["leaf"];
        if let (Some(kind), Some(request)) =
            (leaf["type"].as_str(), leaf["facts"]["request"].as_str())
        {
            *counts.entry((kind.to_owned(), request.to_owned())).or_default() += 1;
        }
    }
    counts
}

/// How often the end of a request is asked for whose worker may have died: its lease of 15 seconds
/// ends first.
pub(super) const POLLS: u32 = 3_000;

/// Every table that can hold something of a person was counted, and has nothing.
#[track_caller]
pub(crate) fn assert_nothing_left(claims: &Claims) {
    assert!(claims.left.len() >= 14, "{:?}", claims.left);
    assert!(claims.left.values().all(|rows| *rows == 0), "{:?}", claims.left);
}

/// Each erasure has one end and one certificate that holds.
pub(super) async fn erased_once(shop: &Caller, erasures: &[String]) {
    let told = told(shop).await;
    let mut certificates = std::collections::BTreeSet::new();
    for request in erasures {
        let (certificate, keys) = shop.certificate(request).await;
        let claims = verify_certificate(&certificate, &keys).unwrap();
        assert_nothing_left(&claims);
        assert_eq!(claims.deleted["records"], 20);
        assert_eq!(claims.deleted["subject_keys"], 1);
        assert!(certificates.insert(claims.jti.to_string()));
        assert_eq!(told[&("request.completed".to_owned(), request.clone())], 1, "{request}");
    }
    assert_eq!(certificates.len(), erasures.len());
}

/// Each export has one end and a whole bundle.
pub(super) async fn exported_once(shop: &Caller, exports: &[String]) {
    let told = told(shop).await;
    for request in exports {
        let (bundle, token) = shop.issue_download(request).await;
        let bundle = Bundle::open(&shop.fetch(&bundle, &token).await.expect_status(200).bytes);
        assert_eq!(bundle.rows("records/invoice.ndjson").len(), 20);
        assert_eq!(told[&("request.exported".to_owned(), request.clone())], 1, "{request}");
    }
}

both_engines! {
    async fn a_killed_service_ends_each_request_once(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let mut process = own.start("all").await;
        let mut shop = open_shop(&process, &client).await;
        let (mut erasures, mut exports) = (Vec::new(), Vec::new());
        for round in 0..6 {
            let leaves = customer(&shop, &format!("leaves-{round}@example.org")).await;
            let stays = customer(&shop, &format!("stays-{round}@example.org")).await;
            exports.push(shop.request_of("access", &stays).await);
            erasures.push(shop.request_of("erasure", &leaves).await);
            // Acknowledged is durable: whatever the moment, the request is there afterwards.
            let moment = getrandom::u32().unwrap() % 60_000;
            tokio::time::sleep(Duration::from_micros(moment.into())).await;
            process.kill().await;
            process = own.start("all").await;
            shop = shop.at(&process.url);
        }
        for request in erasures.iter().chain(&exports) {
            shop.completed_within(request, POLLS).await;
        }
        erased_once(&shop, &erasures).await;
        exported_once(&shop, &exports).await;
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 6, "those who stay");
        assert_eq!(shop.all_pages("/requests", 100).await.len(), 12);
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_services_on_one_postgres_share_the_jobs() {
    let own = Installation::new(Engine::Postgres).await;
    let client = own.shop().await;
    let (one, two) = (own.start("all").await, own.start("all").await);
    let first = open_shop(&one, &client).await;
    let second = first.at(&two.url);
    let (mut erasures, mut exports) = (Vec::new(), Vec::new());
    for n in 0..12 {
        let leaves = customer(&first, &format!("leaves-{n}@example.org")).await;
        let stays = customer(&second, &format!("stays-{n}@example.org")).await;
        exports.push(first.request_of("access", &stays).await);
        erasures.push(second.request_of("erasure", &leaves).await);
        // What one acknowledged, the other knows.
        first.get(&format!("/subjects/{leaves}")).await.expect_gone();
    }
    for request in erasures.iter().chain(&exports) {
        first.completed_within(request, POLLS).await;
    }
    erased_once(&second, &erasures).await;
    exported_once(&first, &exports).await;
    assert_eq!(first.all_pages("/subjects", 100).await.len(), 12);
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_of_its_own_does_the_jobs_of_a_server() {
    let own = Installation::new(Engine::Postgres).await;
    let client = own.shop().await;
    let (server, worker) = (own.start("serve").await, own.start("worker").await);
    let shop = open_shop(&server, &client).await;
    let ada = customer(&shop, "ada@example.org").await;
    let request = shop.request_of("erasure", &ada).await;
    shop.completed_within(&request, POLLS).await;
    erased_once(&shop, &[request]).await;
    assert_eq!(shop.all_pages("/subjects", 100).await, Vec::<Value>::new());
    worker.stop().await;
    server.stop().await;
}

trait Gone {
    fn expect_gone(&self);
}

impl Gone for Reply {
    /// Erasing, or erased already.
    fn expect_gone(&self) {
        match self.status {
            404 => self.expect_problem(404, "subject-not-found"),
            _ => self.expect_problem(409, "subject-erasing"),
        }
    }
}
