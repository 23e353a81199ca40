//! The disk of the embedded databases is full.

use oubli_store::{Schema, testing};
use oubli_tests::{Caller, Engine, Reply};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::disk::Disk;
use crate::processes::crashes::{erased_once, exported_once};
use crate::processes::installation::{Installation, PATIENCE, customer, open_shop};

/// How often is written until there is no room.
const WRITES: usize = 5_000;

/// A value that takes room.
fn value(n: usize) -> Value {
    json!({ "name": format!("{n}"), "address": "x".repeat(180) })
}

fn place(subject: &str) -> String {
    format!("/subjects/{subject}/records/profile/main")
}

/// Writes, fills the disk and writes until it is refused; gives the last value that was
/// acknowledged.
pub(super) async fn write_until_full(shop: &Caller, subject: &str, disk: &Disk) -> usize {
    shop.put(&place(subject), &value(0)).await.expect_status(201);
    disk.fill();
    for n in 1..WRITES {
        let put = shop.put(&place(subject), &value(n)).await;
        if put.status >= 400 {
            put.expect_problem(507, "insufficient-storage");
            return n - 1;
        }
    }
    panic!("the disk does not fill");
}

/// Reads until the log has no room for that either: a read takes the least.
pub(super) async fn read_until_full(shop: &Caller, subject: &str) {
    let read = format!("{}?purpose=delivery", place(subject));
    for _ in 0..WRITES {
        let read = shop.get(&read).await;
        if read.status != 200 {
            return read.expect_problem(507, "insufficient-storage");
        }
    }
    panic!("reads are not refused");
}

/// A batch of records that takes some ten kilobytes.
fn bulk(subject: &str, batch: usize) -> Value {
    let long = "x".repeat(180);
    let body = json!({ "name": long, "email": long, "phone": long, "address": long, "city": long });
    let item = |n: usize| {
        json!({
            "subject": subject, "category": "profile", "record": format!("r-{batch}-{n}"), "body": body,
        })
    };
    json!({ "items": (0..25).map(item).collect::<Vec<_>>() })
}

/// What is refused while there is no room, and what is not.
async fn refuses_what_it_cannot_keep(shop: &Caller, subject: &str) {
    read_until_full(shop, subject).await;
    let full = |reply: Reply| reply.expect_problem(507, "insufficient-storage");
    full(shop.put(&place(subject), &value(9_999_999)).await);
    full(shop.withdraw(subject).await);
    full(shop.post("/requests", &json!({ "right": "erasure", "subject": subject })).await);
    let new = json!({ "identifiers": [{ "type": "email", "value": "new@example.org" }] });
    full(shop.post("/subjects", &new).await);
    let item = |n: usize| {
        json!({
            "subject": subject, "category": "profile", "record": format!("b-{n}"), "body": value(n),
        })
    };
    let batch = json!({ "items": (0..20).map(item).collect::<Vec<_>>() });
    full(shop.post("/records:batch", &batch).await);
    goes_on_answering(shop, subject).await;
}

/// What needs no entry in the log.
pub(super) async fn goes_on_answering(shop: &Caller, subject: &str) {
    assert_eq!(shop.check(subject).await.expect_status(200).body["permitted"], true);
    shop.get("/data-map").await.expect_status(200);
    shop.get(&format!("/subjects/{subject}")).await.expect_status(200);
    shop.lookup("email", "ada@example.org").await.expect_status(200);
    shop.get("/health/ready").await.expect_status(200);
}

/// All that was acknowledged is there, and nothing of what was refused.
pub(super) async fn holds(shop: &Caller, subject: &str, last: usize) {
    let read = shop.get(&format!("{}?purpose=delivery", place(subject))).await.expect_status(200);
    assert_eq!(read.body["body"]["name"], last.to_string());
    let versions = shop.all_pages(&format!("{}/versions", place(subject)), 1_000).await;
    assert_eq!(versions.len(), last + 1);
    for n in 0..20 {
        let batched = format!("/subjects/{subject}/records/profile/b-{n}?purpose=delivery");
        shop.get(&batched).await.expect_problem(404, "record-not-found");
    }
    shop.lookup("email", "new@example.org").await.expect_problem(404, "subject-not-found");
    assert_eq!(shop.check(subject).await.expect_status(200).body["permitted"], true);
    assert!(shop.all_pages("/requests", 100).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(disk) = Disk::of_memory(&own.path("data"), 24, "") else { return };
    let client = own.shop().await;
    let process = own.start("all").await;
    let mut shop = open_shop(&process, &client).await;
    let ada = customer(&shop, "ada@example.org").await;
    let last = write_until_full(&shop, &ada, &disk).await;
    refuses_what_it_cannot_keep(&shop, &ada).await;
    // Also one that is started on a full disk.
    process.kill().await;
    let process = own.start("all").await;
    shop = shop.at(&process.url);
    refuses_what_it_cannot_keep(&shop, &ada).await;
    disk.free();
    holds(&shop, &ada, last).await;
    shop.put(&place(&ada), &value(last + 1)).await.expect_status(200);
    shop.erase(&ada).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_wait_for_room_and_end_once() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(disk) = Disk::of_memory(&own.path("data"), 24, "") else { return };
    let client = own.shop().await;
    // It takes requests and leaves their jobs alone.
    let server = own.start("serve").await;
    let mut shop = open_shop(&server, &client).await;
    let (leaves, stays) =
        (customer(&shop, "leaves@example.org").await, customer(&shop, "stays@example.org").await);
    let erasure = shop.request_of("erasure", &leaves).await;
    let export = shop.request_of("access", &stays).await;
    // What a clean end removes, a start could not make again without room.
    server.kill().await;
    disk.fill();
    let mut process = own.start("all").await;
    shop = shop.at(&process.url);
    process.logged("no job could be leased").await;
    for request in [&erasure, &export] {
        let found = shop.get(&format!("/requests/{request}")).await.expect_status(200);
        assert_eq!(found.body["state"], "received");
    }
    disk.free();
    shop.completed(&erasure).await;
    shop.completed(&export).await;
    erased_once(&shop, &[erasure]).await;
    exported_once(&shop, &[export]).await;
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_is_completed_only_when_the_files_could_be_cleaned() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let Some(disk) = Disk::of_memory(&own.path("data"), 24, "") else { return };
    let client = own.shop().await;
    let mut process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    let leaves = customer(&shop, "leaves@example.org").await;
    customer(&shop, "stays@example.org").await;
    // While someone reads, nothing leaves the write-ahead log, so the file is too small for it.
    let data = own.location(Schema::Data);
    let reader = testing::Reader::open(&data).await.unwrap();
    let request = shop.request_of("erasure", &leaves).await;
    let stays = shop.subject("grows@example.org").await;
    for batch in 0..8 {
        shop.post("/records:batch", &bulk(&stays, batch)).await.expect_status(200);
    }
    let certified = async {
        while shop.get(&format!("/requests/{request}/certificate")).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, certified).await.unwrap();
    // Room for a few markers, and not for what must leave the log.
    disk.fill_but(150 << 10);
    reader.close().await.unwrap();
    process.logged("a job failed").await;
    let found = shop.get(&format!("/requests/{request}")).await.expect_status(200);
    assert_eq!(found.body["state"], "running");
    disk.free();
    testing::make_jobs_due(&data).await.unwrap();
    shop.completed(&request).await;
    erased_once(&shop, &[request]).await;
    process.stop().await;
}
