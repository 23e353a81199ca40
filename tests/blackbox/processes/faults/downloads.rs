//! Readers of an export who stop in the middle of it: they are cut off, hold nothing afterwards, and
//! have used nothing up.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oubli_tests::{Bundle, Caller, both_engines, data_map, eventually, merge};
use serde_json::{Value, json};

use super::super::crashes::POLLS;
use super::super::installation::{Installation, open_shop};
use super::overload::{expect_bounded, is_overloaded, served};
use super::wire::Wire;

/// What of answers may be held, in MiB: no more than one chunk of a bundle, so that one reader who
/// stalls leaves room for nobody.
const HELD_MIB: usize = 1;
/// How often a download may be begun with one token. All but the last stall.
const TRIES: usize = 5;
/// Some 12 MB that cannot be compressed much: more than the system's own buffers take.
const RECORDS: usize = 120;
const RECORD_BYTES: usize = 100_000;

/// Nobody can make it shorter.
fn noise(bytes: usize) -> String {
    let mut noise = vec![0; bytes];
    getrandom::fill(&mut noise).unwrap();
    STANDARD.encode(noise)
}

/// Somebody of whom there is much.
async fn person_with_much(shop: &Caller) -> String {
    let long = json!({ "categories": { "profile": { "fields": { "address": {
        "schema": { "maxLength": null },
    } } } } });
    shop.put("/data-map", &merge(data_map(), &long)).await.expect_status(201);
    let subject = shop.subject("ada@example.org").await;
    for n in 0..RECORDS {
        let record = format!("/subjects/{subject}/records/profile/r{n}");
        shop.put(&record, &json!({ "address": noise(RECORD_BYTES) })).await.expect_status(201);
    }
    subject
}

fn begin(wire: &mut Wire, bundle: &str, token: &str) {
    wire.send(format!(
        "GET /v1/apps/shop{bundle} HTTP/1.1\r\nhost: oubli\r\noubli-download-token: {token}\r\n\r\n"
    ));
}

async fn told_of_downloads(shop: &Caller) -> usize {
    let events: Vec<Value> = shop.all_pages("/events", 1_000).await;
    events.iter().filter(|event| event["leaf"]["type"] == "download.completed").count()
}

both_engines! {
    async fn a_reader_who_stalls_is_cut_off_and_may_come_again(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let held = (HELD_MIB << 20).to_string();
        let settings =
            [("OUBLI_LIMITS_STALLED_SECONDS", "2"), ("OUBLI_LIMITS_HELD_BYTES", held.as_str())];
        let process = own.start_with("all", &settings).await;
        let shop = open_shop(&process, &client).await;
        let ada = person_with_much(&shop).await;
        let request = shop.request_of("access", &ada).await;
        shop.completed_within(&request, POLLS).await;
        let (bundle, token) = shop.issue_download(&request).await;
        let (files, memory) = (process.open_files(), process.peak_memory());
        let mut refused = false;
        for _ in 1..TRIES {
            let mut wire = Wire::open(&process);
            begin(&mut wire, &bundle, &token);
            let head = wire.head();
            assert!(head.starts_with("http/1.1 200 "), "{head}");
            // Whoever comes now may be told to come again, until the reader is cut off.
            refused |= is_overloaded(&shop.get("/data-map").await);
            eventually(async || (process.open_files() <= files).then_some(())).await;
            served(&shop).await;
            drop(wire);
        }
        assert!(refused, "nobody who stalled held anything");
        expect_bounded(&process, memory, HELD_MIB);
        assert_eq!(told_of_downloads(&shop).await, 0);
        let whole = shop.fetch(&bundle, &token).await.expect_status(200);
        assert_eq!(Bundle::open(&whole.bytes).rows("records/profile.ndjson").len(), RECORDS);
        assert_eq!(told_of_downloads(&shop).await, 1);
        shop.fetch(&bundle, &token).await.expect_problem(404, "download-not-found");
        process.stop().await;
    }
}
