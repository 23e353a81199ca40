//! A service that is asked for more than it can do, by many, slowly, or with much: it refuses early
//! and its memory stays bounded.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use oubli_domain::{AppId, SubjectId};
use oubli_store::{Db, Location, Schema, subjects};
use oubli_tests::{Caller, Engine, Reply, both_engines, eventually};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::select;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::super::installation::{Installation, Process, open_shop};
use super::wire::Wire;

/// What the process may need beside `limits.held_bytes`, by the documentation of that setting. Of those it
/// may need three times as many, but twice where bodies and answers do not both fill them.
const BESIDE: u64 = 256 << 20;
const MIB: usize = 1 << 20;
/// How many files a process must be able to open here: a connection is one.
const FILES: u64 = 10_000;
/// How often four writes are held up anew that were through too early.
const TRIES: usize = 10;

/// Keeps everybody else from writing about a subject until the gate is opened, or for the five
/// seconds that the store lets a transaction take.
async fn hold(own: &Installation, subject: &str) -> (Arc<Notify>, JoinHandle<()>) {
    let at = match &own.databases {
        Some(databases) => Location::Postgres(databases.data_url().to_owned()),
        None => Location::Sqlite(own.path("data/data.sqlite")),
    };
    let db = Db::open_for_migration(Schema::Data, &at).await.unwrap();
    let subject: SubjectId = subject.parse().unwrap();
    let (begun, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (seen, opened) = (Arc::clone(&begun), Arc::clone(&gate));
    #[expect(clippy::disallowed_methods, reason = "the test waits for it")]
    let mut holder = tokio::spawn(async move {
        let work = db.write("hold", move |tx| {
            let (seen, opened) = (Arc::clone(&seen), Arc::clone(&opened));
            Box::pin(async move {
                subjects::lock_alone(tx, &AppId::new("shop").unwrap(), subject).await?;
                seen.notify_one();
                opened.notified().await;
                Ok(())
            })
        });
        // That it took too long is no matter: the others were held for as long.
        drop(work.await);
        db.close().await;
    });
    select! {
        () = begun.notified() => {}
        ended = &mut holder => panic!("it could not hold anybody up: {ended:?}"),
    }
    (gate, holder)
}

pub(super) fn is_overloaded(reply: &Reply) -> bool {
    if reply.status != 503 || reply.text("/type") != "/problems/overloaded" {
        return false;
    }
    reply.expect_problem(503, "overloaded");
    assert_eq!(reply.header("retry-after"), Some("1"));
    true
}

/// Waits until a call is taken that is refused, while it is, as it must be.
pub(super) async fn served(shop: &Caller) {
    eventually(async || {
        let reply = shop.get("/data-map").await;
        if is_overloaded(&reply) {
            return None;
        }
        reply.expect_status(200);
        Some(())
    })
    .await;
}

/// Connections of this process and of those that it starts are files.
fn allow_many_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let enough = maximum.is_none_or(|maximum| maximum >= FILES);
    assert!(enough, "the hard limit of open files is {maximum:?}: this test needs {FILES}");
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// Whether the process had no more memory than is documented, since it stood at `before`.
#[track_caller]
pub(super) fn expect_bounded(process: &Process, before: u64, held_mib: usize) {
    let most = before + BESIDE + 2 * (held_mib * MIB) as u64;
    let peak = process.peak_memory();
    assert!(peak < most, "{} MiB of {} MiB", peak >> 20, most >> 20);
}

/// Four writes that others hold up, while two more calls come. Gives the answers of the four; none when
/// they were through before the others came.
async fn four_held_up(
    own: &Installation,
    process: &Process,
    shop: &Caller,
    ada: &str,
) -> Option<Vec<Reply>> {
    let body = json!({ "name": "Ada" });
    let records: Vec<String> =
        (0..4).map(|n| format!("/subjects/{ada}/records/profile/r{n}")).collect();
    let (gate, holder) = hold(own, ada).await;
    let mut puts = pin!(join_all(records.iter().map(|record| shop.put(record, &body))));
    // As soon as the four are in work.
    while !select! {
        biased;
        _ = &mut puts => {
            gate.notify_one();
            holder.await.unwrap();
            return None;
        }
        reply = shop.get("/data-map") => is_overloaded(&reply),
    } {}
    // Nothing of the body is waited for.
    let mut wire = Wire::open(process);
    wire.begin("POST", "/v1/apps/shop/subjects", shop.token(), 1_000);
    let head = wire.head();
    let live = Caller::new(&process.url).get("/health/live").await;
    live.expect_status(200);
    gate.notify_one();
    let puts = puts.await;
    holder.await.unwrap();
    head.starts_with("http/1.1 503 ").then_some(puts)
}

both_engines! {
    async fn requests_over_the_bound_are_refused_and_taken_again_later(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let settings = [("OUBLI_LIMITS_REQUESTS", "4"), ("OUBLI_LIMITS_BODY_SECONDS", "1")];
        let process = own.start_with("serve", &settings).await;
        let shop = open_shop(&process, &client).await;
        let ada = shop.subject("ada@example.org").await;
        let mut puts = None;
        for _ in 0..TRIES {
            puts = four_held_up(&own, &process, &shop, &ada).await;
            if puts.is_some() {
                break;
            }
        }
        let puts = puts.unwrap_or_else(|| panic!("nobody was refused while four were held up"));
        for reply in puts.iter().filter(|reply| reply.status > 201) {
            // A slow machine met the bound of a lock.
            reply.expect_problem(503, "unavailable");
        }
        let record = format!("/subjects/{ada}/records/profile/r0");
        assert!(shop.put(&record, &json!({ "name": "Ada" })).await.status < 300);
        shop.get(&format!("{record}?purpose=delivery")).await.expect_status(200);
        process.stop().await;
    }

    async fn who_sent_slowly_asks_for_a_place_again(engine: Engine) {
        const BODY: &str = r#"{"name":"Ada"}"#;
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let process = own.start_with("serve", &[("OUBLI_LIMITS_REQUESTS", "2")]).await;
        let shop = open_shop(&process, &client).await;
        let ada = shop.subject("ada@example.org").await;
        let mut slow = Vec::new();
        for n in 0..3 {
            let mut wire = Wire::open(&process);
            let path = format!("/v1/apps/shop/subjects/{ada}/records/profile/r{n}");
            wire.begin("PUT", &path, shop.token(), BODY.len());
            served(&shop).await;
            slow.push(wire);
        }
        let (gate, holder) = hold(&own, &ada).await;
        for wire in &mut slow {
            wire.send(BODY);
        }
        // Two are held up in work, and the third does not join them.
        let refused = eventually(async || slow.iter().position(Wire::is_answered)).await;
        let head = slow.remove(refused).head();
        assert!(head.starts_with("http/1.1 503 ") && head.contains("retry-after: 1"), "{head}");
        gate.notify_one();
        holder.await.unwrap();
        for mut wire in slow {
            let head = wire.head();
            // A slow machine met the bound of a lock.
            assert!([" 201 ", " 503 "].iter().any(|status| head[8..].starts_with(status)), "{head}");
        }
        process.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_slowly_takes_nobodys_place() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    // However long this takes, nobody who sends slowly is sent away.
    let settings = [("OUBLI_LIMITS_REQUESTS", "4"), ("OUBLI_LIMITS_BODY_SECONDS", "3600")];
    let process = own.start_with("serve", &settings).await;
    let shop = open_shop(&process, &client).await;
    let mut slow: Vec<Wire> = (0..20).map(|_| Wire::open(&process)).collect();
    for wire in &mut slow {
        wire.begin("POST", "/v1/apps/shop/subjects", shop.token(), 2);
        // Until its head was read, and once those that came with it were.
        eventually(async || Some(shop.get("/data-map").await).filter(|r| r.status == 200)).await;
    }
    for n in 0..20 {
        shop.subject(&format!("n{n}@example.org")).await;
    }
    for mut wire in slow {
        wire.send("{}");
        let head = wire.head();
        assert!(head.starts_with("http/1.1 201 "), "{head}");
    }
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_stay_within_the_memory() {
    const CONNECTIONS: usize = 9_500;
    allow_many_files();
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let process = own.start("serve").await;
    let shop = open_shop(&process, &client).await;
    let before = process.peak_memory();
    let mut wires = Vec::with_capacity(CONNECTIONS);
    for n in 0..CONNECTIONS {
        let mut wire = Wire::open(&process);
        match n % 3 {
            // Says nothing.
            0 => {}
            // Never ends its head, or its body.
            1 => wire.send("GET /health/live HTTP/1.1\r\nhost: oub"),
            _ if n % 2 == 0 => {
                wire.begin("POST", "/v1/apps/shop/subjects", shop.token(), 60_000);
                // One that was refused is closed.
                drop(wire.try_send([b' '; 8_192]));
            }
            // Never reads what it asked for.
            _ => wire.send("GET /openapi.json HTTP/1.1\r\nhost: oubli\r\n\r\n"),
        }
        wires.push(wire);
        if n % 500 == 0 {
            // The others are served, at once or after they were told to come again.
            served(&shop).await;
        }
    }
    served(&shop).await;
    expect_bounded(&process, before, 128);
    drop(wires);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_over_the_bound_wait_for_others_to_close() {
    const BOUND: usize = 16;
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let bound = BOUND.to_string();
    let settings = [("OUBLI_LIMITS_CONNECTIONS", &*bound), ("OUBLI_LIMITS_HEAD_SECONDS", "1")];
    let process = own.start_with("serve", &settings).await;
    let shop = open_shop(&process, &client).await;
    let before = process.open_files();
    let idle: Vec<Wire> = (0..200).map(|_| Wire::open(&process)).collect();
    // Those who say nothing are closed after a second, sixteen at a time.
    let fresh = Caller::new(&process.url);
    let mut answered = pin!(fresh.get("/health/live"));
    let mut most = 0;
    let live = loop {
        select! {
            biased;
            live = &mut answered => break live,
            () = tokio::time::sleep(Duration::from_millis(5)) => most = most.max(process.open_files()),
        }
    };
    live.expect_status(200);
    most = most.max(process.open_files());
    assert!(most > before, "nobody was taken");
    // One more may be taken before it is seen that there is no room; a few files are the service's own.
    assert!(most <= before + 2 * BOUND, "{most} files are open, {before} were");
    shop.get("/data-map").await.expect_status(200);
    drop(idle);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_bodies_are_refused_without_being_taken_in() {
    const HUNDRED: usize = 100 * MIB;
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let settings = [("OUBLI_LIMITS_HELD_BYTES", (64 * MIB).to_string())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let process = own.start_with("serve", &settings).await;
    let shop = open_shop(&process, &client).await;
    let before = process.peak_memory();

    // Declared: refused before a byte of it was sent.
    for path in ["/v1/apps/shop/subjects", "/v1/apps/shop/records:batch"] {
        let mut wire = Wire::open(&process);
        wire.begin("POST", path, shop.token(), HUNDRED);
        assert!(wire.head().starts_with("http/1.1 413 "));
    }
    // Not declared: refused once it is over the bound, whether or not the sender goes on.
    let chunk = [b"100000\r\n".as_slice(), &vec![b' '; MIB], b"\r\n"].concat();
    for _ in 0..4 {
        let mut wire = Wire::open(&process);
        wire.send(format!(
            "POST /v1/apps/shop/subjects HTTP/1.1\r\nhost: oubli\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
            shop.token()
        ));
        wire.send([&chunk[..], &chunk[..]].concat());
        assert!(wire.head().starts_with("http/1.1 413 "));
        drop((0..98).try_for_each(|_| wire.try_send(&chunk)));
    }
    // Batches of which each is within the bound, and all together are not.
    let mut batches: Vec<Wire> = (0..6).map(|_| Wire::open(&process)).collect();
    for wire in &mut batches {
        wire.begin("POST", "/v1/apps/shop/records:batch", shop.token(), 30 * MIB);
        // One that is refused meanwhile may close before all of it is sent.
        drop((0..29).try_for_each(|_| wire.try_send(vec![b' '; MIB])));
    }
    let overloaded = batches.split_off(2);
    for mut wire in overloaded {
        assert!(wire.head().starts_with("http/1.1 503 "));
    }
    for mut wire in batches {
        let end = [vec![b' '; MIB - 12], br#"{"items":[]}"#.to_vec()].concat();
        wire.send(end);
        assert!(wire.head().starts_with("http/1.1 422 "));
    }
    shop.subject("ada@example.org").await;
    expect_bounded(&process, before, 64);
    process.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_reads_is_given_up() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let process = own.start_with("serve", &[("OUBLI_LIMITS_STALLED_SECONDS", "1")]).await;
    let shop = open_shop(&process, &client).await;
    let before = (process.open_files(), process.peak_memory());
    // More than the system's own buffers take.
    let many = "GET /openapi.json HTTP/1.1\r\nhost: oubli\r\n\r\n".repeat(40);
    let mut wires: Vec<Wire> = (0..10).map(|_| Wire::open(&process)).collect();
    eventually(async || (process.open_files() >= before.0 + wires.len()).then_some(())).await;
    for wire in &mut wires {
        wire.send(&many);
    }
    shop.get("/data-map").await.expect_status(200);
    let closed = async || (process.open_files() <= before.0).then_some(());
    eventually(closed).await;
    expect_bounded(&process, before.1, 128);
    shop.get("/data-map").await.expect_status(200);
    process.stop().await;
}
