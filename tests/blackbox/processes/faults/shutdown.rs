//! A service that is told to stop: what is in hand is ended or given back, and nobody holds it up.

use std::io;

use futures_util::future::join_all;
use oubli_store::{Db, Location, Schema, jobs};
use oubli_tests::{Engine, both_engines, eventually};
use serde_json::json;

use super::super::crashes::{POLLS, erased_once};
use super::super::installation::{Installation, customer, open_shop};
use super::wire::Wire;

const BODY: &str = r#"{"name":"Ada Lovelace"}"#;

/// How many jobs somebody holds, by the database itself.
async fn leased(own: &Installation) -> i64 {
    let at = match &own.databases {
        Some(databases) => Location::Postgres(databases.data_url().to_owned()),
        None => Location::Sqlite(own.path("data/data.sqlite")),
    };
    let db = Db::open_to_look(Schema::Data, &at).await.unwrap();
    jobs::counts(&mut db.conn().await.unwrap()).await.unwrap().leased
}

both_engines! {
    async fn a_request_in_flight_is_answered_before_the_end(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let mut process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        let (mut wire, idle) = (Wire::open(&process), Wire::open(&process));
        wire.begin("PUT", &format!("/v1/apps/shop{record}"), shop.token(), BODY.len());
        wire.send(&BODY[..10]);
        process.terminate();
        process.logged("stopping").await;
        // Who comes now is sent away: by the system, or without an answer.
        eventually(async || Wire::try_open(&process).is_err().then_some(())).await;
        wire.send(&BODY[10..]);
        let head = wire.head();
        assert!(head.starts_with("http/1.1 201 ") && head.contains("connection: close"), "{head}");
        let (code, log) = process.end().await;
        assert_eq!(code, Some(0), "{log}");
        drop(idle);
        let process = own.start("all").await;
        let read = shop.at(&process.url).get(&format!("{record}?purpose=delivery")).await;
        assert_eq!(read.expect_status(200).body["body"], json!({ "name": "Ada Lovelace" }));
        process.stop().await;
    }

    async fn jobs_in_hand_are_ended_or_given_back(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let mut people = Vec::new();
        for n in 0..6 {
            people.push(customer(&shop, &format!("leaves-{n}@example.org")).await);
        }
        let erasures = join_all(people.iter().map(|person| shop.request_of("erasure", person))).await;
        process.terminate();
        let (code, log) = process.end().await;
        assert_eq!(code, Some(0), "{log}");
        // Nobody has to wait for the end of a lease.
        assert_eq!(leased(&own).await, 0, "{log}");
        let process = own.start("all").await;
        let shop = shop.at(&process.url);
        for request in &erasures {
            shop.completed_within(request, POLLS).await;
        }
        erased_once(&shop, &erasures).await;
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_client_does_not_hold_the_service() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    // Without the bound of draining it would take an hour.
    let settings = [("OUBLI_LIMITS_BODY_SECONDS", "3600"), ("OUBLI_LIMITS_DRAIN_SECONDS", "1")];
    let process = own.start_with("all", &settings).await;
    let shop = open_shop(&process, &client).await;
    let ada = shop.subject("ada@example.org").await;
    let path = format!("/v1/apps/shop/subjects/{ada}/records/profile/main");
    let mut wire = Wire::open(&process);
    wire.begin("PUT", &path, shop.token(), BODY.len());
    wire.send(&BODY[..10]);
    process.terminate();
    let (code, log) = process.end().await;
    assert_eq!(code, Some(0), "{log}");
    let sent: io::Result<()> = (0..100).try_for_each(|_| wire.try_send("x"));
    assert!(sent.is_err(), "the connection is closed");
}
