//! A PostgreSQL server that goes away under load and comes back: nothing that was acknowledged is
//! lost, and the service goes on by itself.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use oubli_test_postgres::{Cluster, DatabasePair, Stop};
use oubli_tests::{Caller, eventually};
use serde_json::json;

use super::super::crashes::{POLLS, erased_once};
use super::super::installation::{Installation, Process, customer, open_shop};
use super::is_refused;

/// What the writers of a test were told so far.
#[derive(Default)]
struct Tally {
    stop: AtomicBool,
    written: AtomicUsize,
    refused: AtomicUsize,
}

impl Tally {
    /// Writes record after record, and gives those that were acknowledged.
    async fn write(&self, shop: &Caller, subject: &str, writer: usize) -> Vec<String> {
        let mut acknowledged = Vec::new();
        for n in 0.. {
            if self.stop.load(Ordering::SeqCst) {
                break;
            }
            let record = format!("/subjects/{subject}/records/invoice/w{writer}-{n}");
            let reply = shop.put(&record, &json!({ "date": "2025-03-01", "total": n })).await;
            if is_refused(&reply) {
                self.refused.fetch_add(1, Ordering::SeqCst);
            } else {
                reply.expect_status(201);
                self.written.fetch_add(1, Ordering::SeqCst);
                acknowledged.push(record);
            }
        }
        acknowledged
    }

    async fn more(&self, counter: &AtomicUsize, more: usize) {
        let goal = counter.load(Ordering::SeqCst) + more;
        eventually(async || (counter.load(Ordering::SeqCst) >= goal).then_some(())).await;
    }
}

async fn checks_that_fail(process: &Process) -> Vec<String> {
    let ready = Caller::new(&process.url).get("/health/ready").await;
    let checks = ready.body["checks"].as_object().unwrap();
    let failed: Vec<String> = checks
        .iter()
        .filter(|(_, check)| check["status"] == "fail")
        .map(|(name, _)| name.clone())
        .collect();
    assert_eq!(ready.status, if failed.is_empty() { 200 } else { 503 }, "{failed:?}");
    failed
}

async fn ready(process: &Process) {
    eventually(async || checks_that_fail(process).await.is_empty().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restarted_postgres_loses_nothing_that_was_acknowledged() {
    let cluster = Cluster::start().await.unwrap();
    let own = Installation::on(cluster.fresh_databases().await.unwrap()).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    let tally = Tally::default();
    let trouble = async {
        let mut erasures = Vec::new();
        for how in [Stop::Fast, Stop::Immediate] {
            let leaves = customer(&shop, &format!("leaves-{how:?}@example.org")).await;
            tally.more(&tally.written, 20).await;
            erasures.push(shop.request_of("erasure", &leaves).await);
            cluster.stop(how).unwrap();
            tally.more(&tally.refused, 4).await;
            let failed = checks_that_fail(&process).await;
            assert!(failed.contains(&"data_database".to_owned()), "{failed:?}");
            let live = Caller::new(&process.url).get("/health/live").await;
            live.expect_status(200);
            cluster.start_again().unwrap();
            ready(&process).await;
            tally.more(&tally.written, 20).await;
        }
        tally.stop.store(true, Ordering::SeqCst);
        erasures
    };
    let writers = join_all((0..4).map(|n| tally.write(&shop, &ada, n)));
    let (erasures, acknowledged) = tokio::join!(trouble, writers);
    for request in &erasures {
        shop.completed_within(request, POLLS).await;
    }
    erased_once(&shop, &erasures).await;
    for record in acknowledged.iter().flatten() {
        shop.get(&format!("{record}?purpose=accounts")).await.expect_status(200);
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_the_two_databases_may_go_away_alone() {
    let (of_data, of_keys) = (Cluster::start().await.unwrap(), Cluster::start().await.unwrap());
    let data = of_data.database("data").await.unwrap();
    let keys = of_keys.database("keys").await.unwrap();
    let own = Installation::on(DatabasePair { data, keys }).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    let record = format!("/subjects/{ada}/records/profile/main");
    let body = json!({ "name": "Ada" });
    let bob = json!({ "identifiers": [{ "type": "email", "value": "bob@example.org" }] });
    for (cluster, check, other) in
        [(&of_keys, "keys_database", "data_database"), (&of_data, "data_database", "keys_database")]
    {
        cluster.stop(Stop::Immediate).unwrap();
        let failed = checks_that_fail(&process).await;
        assert!(failed.contains(&check.to_owned()) && !failed.contains(&other.to_owned()));
        let calls = [shop.put(&record, &body).await, shop.post("/subjects", &bob).await];
        assert!(calls.iter().all(is_refused));
        cluster.start_again().unwrap();
        ready(&process).await;
    }
    shop.put(&record, &body).await.expect_status(201);
    // What a refused call left half done stands in nobody's way.
    shop.post("/subjects", &bob).await.expect_status(201);
    assert_eq!(shop.all_pages("/subjects", 100).await.len(), 2);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_does_not_start_without_its_databases() {
    let cluster = Cluster::start().await.unwrap();
    let own = Installation::on(cluster.fresh_databases().await.unwrap()).await;
    cluster.stop(Stop::Fast).unwrap();
    own.run(&["all", "--bind", "127.0.0.1:0"]).await.fails_saying(&["cannot open the databases"]);
    assert!(!own.root_key().exists(), "no root key is made for databases that nobody saw");
    cluster.start_again().unwrap();
    own.start("all").await.stop().await;
}
