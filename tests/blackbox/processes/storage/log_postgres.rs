//! The disk of PostgreSQL's write-ahead log is full: the server panics, finds no room to recover, and
//! ends. A server of the test's own keeps the log on a small disk.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use oubli_test_postgres::{Cluster, Stop};
use oubli_tests::{Caller, Reply, eventually};
use serde_json::{Value, json};

use super::disk::Disk;
use crate::processes::crashes::POLLS;
use crate::processes::faults;
use crate::processes::installation::{Installation, customer, open_shop};

/// How many records a batch brings.
const BATCH: usize = 20;
/// How many batches are sent at most until the log has no room.
const BATCHES: usize = 2_000;
/// How many calls of each kind are refused before there is room again.
const REFUSED: usize = 4;

/// How many records there are before the first batch.
const INVOICES: usize = 40;

/// The batches that were sent, and whether they were acknowledged.
type Sent = BTreeMap<usize, bool>;

fn batch(subject: &str, batch: usize) -> Value {
    let item = |n: usize| {
        json!({
            "subject": subject, "category": "profile", "record": format!("b{batch}-{n}"),
            "body": { "name": format!("{batch}"), "address": "x".repeat(180) },
        })
    };
    json!({ "items": (0..BATCH).map(item).collect::<Vec<_>>() })
}

/// Whether a call was refused: by the server in its last words, or since there is none.
#[track_caller]
fn is_refused(reply: &Reply) -> bool {
    if reply.status == 507 {
        reply.expect_problem(507, "insufficient-storage");
        return true;
    }
    faults::is_refused(reply)
}

/// Sends a batch, and says whether it was acknowledged.
async fn send(shop: &Caller, subject: &str, n: usize) -> bool {
    let reply = shop.post("/records:batch", &batch(subject, n)).await;
    if is_refused(&reply) {
        return false;
    }
    let reply = reply.expect_status(200);
    let items = reply.body["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["status"] == 201), "{}", reply.body);
    true
}

/// Sends batches until they are refused, and some more.
async fn send_until_refused(shop: &Caller, subject: &str) -> Sent {
    let mut sent = Sent::new();
    while sent.values().filter(|acknowledged| !**acknowledged).count() < REFUSED {
        let n = sent.len();
        assert!(n < BATCHES, "the disk does not fill");
        sent.insert(n, send(shop, subject, n).await);
    }
    assert!(sent[&0], "there was room at first");
    sent
}

fn new_subject(n: usize) -> Value {
    json!({ "identifiers": [{ "type": "email", "value": format!("new-{n}@example.org") }] })
}

/// What is refused while there is no server, and what is not.
async fn refuses_and_lives(shop: &Caller, subject: &str) {
    for n in 0..REFUSED {
        assert!(is_refused(&shop.post("/subjects", &new_subject(n)).await));
        assert!(is_refused(&shop.withdraw(subject).await));
        assert!(is_refused(&shop.check(subject).await));
    }
    assert_eq!(shop.get("/health/ready").await.status, 503);
    shop.get("/health/live").await.expect_status(200);
}

/// Each acknowledged batch is there, each other one whole or not at all, and the log tells of as many
/// records as there are.
async fn holds(shop: &Caller, subject: &str, sent: &Sent) {
    let bundle = shop.export("access", subject).await;
    let mut found: BTreeMap<usize, usize> = BTreeMap::new();
    for row in bundle.rows("records/profile.ndjson") {
        let batch = row["fields"]["name"].as_str().unwrap().parse().unwrap();
        *found.entry(batch).or_default() += 1;
    }
    for (n, acknowledged) in sent {
        match found.get(n) {
            None => assert!(!acknowledged, "batch {n} is lost"),
            Some(records) => assert_eq!(*records, BATCH, "batch {n}"),
        }
    }
    let told = shop.all_pages("/events", 1_000).await;
    let puts = told.iter().filter(|event| event["leaf"]["type"] == "record.put").count();
    assert_eq!(puts, found.values().sum::<usize>() + INVOICES);
    assert_eq!(shop.check(subject).await.expect_status(200).body["permitted"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_of_the_log_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::Builder::new().prefix("oubli-small-").tempdir_in("/tmp").unwrap();
    // The server's user must get there.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let small = folder.path().join("disk");
    let Some(disk) = Disk::of_memory(&small, 24, ",mode=0777") else { return };
    let cluster = Cluster::start_with_log_in(&small.join("log")).await.unwrap();
    let own = Installation::on(cluster.fresh_databases().await.unwrap()).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let (ada, leaves) =
        (customer(&shop, "ada@example.org").await, customer(&shop, "leaves@example.org").await);
    disk.fill();
    let sent = send_until_refused(&shop, &ada).await;
    refuses_and_lives(&shop, &ada).await;
    disk.free();
    // It has ended, or is about to.
    drop(cluster.stop(Stop::Immediate));
    cluster.start_again().unwrap();
    eventually(async || (shop.get("/health/ready").await.status == 200).then_some(())).await;
    holds(&shop, &ada, &sent).await;
    // What a refused call left half done stands in nobody's way.
    for n in 0..REFUSED {
        shop.post("/subjects", &new_subject(n)).await.expect_status(201);
    }
    assert_eq!(shop.all_pages("/subjects", 100).await.len(), 2 + REFUSED);
    let request = shop.request_of("erasure", &leaves).await;
    shop.completed_within(&request, POLLS).await;
    process.stop().await;
}
