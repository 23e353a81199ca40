//! The machine's clock steps back and forth under a running service.

use std::sync::Arc;

use oubli_domain::clock::TestClock;
use oubli_domain::scope::{Role, Scope, Scopes};
use oubli_domain::{Clock as _, Time};
use oubli_tests::{Caller, Engine, Reply, TestServer, both_engines};
use serde_json::{Value, json};

/// 2026-01-15T12:00:00Z.
const START: Time = Time(1_768_478_400_000_000);
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const YEAR: i64 = 365 * 24 * HOUR;

/// A shop whose clock is moved. Tokens from before a step may not count after it, so its client
/// signs in anew.
struct Shop {
    server: TestServer,
    clock: Arc<TestClock>,
    client: (String, String),
}

impl Shop {
    async fn open(engine: Engine) -> Self {
        let clock = Arc::new(TestClock::at(START));
        let server = TestServer::start_at(engine, clock.clone()).await;
        server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let scopes: Value = Scopes::of_clients().iter().map(Scope::as_str).collect();
        let new = json!({ "title": "clock", "scopes": scopes });
        let made = admin.post("/v1/apps/shop/clients", &new).await.expect_status(201);
        let client = (made.text("/client_id"), made.text("/client_secret"));
        Self { server, clock, client }
    }

    async fn caller(&self) -> Caller {
        let (id, secret) = &self.client;
        self.server.anonymous().for_app("shop").sign_in(id, secret).await
    }

    async fn step(&self, seconds: i64) -> Caller {
        self.clock.advance(seconds);
        self.caller().await
    }
}

fn occurred(reply: &Reply) -> Time {
    Time::parse(&reply.text("/occurred_at")).unwrap()
}

async fn permits(shop: &Caller, subject: &str) -> bool {
    shop.check(subject).await.expect_status(200).body["permitted"].as_bool().unwrap()
}

/// How many events of a type the log has.
async fn told(shop: &Caller, kind: &str) -> usize {
    let events: Vec<Value> = shop.all_pages("/events", 1_000).await;
    events.iter().filter(|event| event["leaf"]["type"] == kind).count()
}

both_engines! {
    async fn no_withdrawal_is_overtaken_whatever_the_clock_says(engine: Engine) {
        let shop = Shop::open(engine).await;
        let steps = [-MINUTE, MINUTE, -HOUR, HOUR, -YEAR, 2 * YEAR, -YEAR];
        for (n, step) in steps.into_iter().enumerate() {
            let mut caller = shop.caller().await;
            let ada = caller.subject(&format!("p{n}@example.org")).await;
            let granted = occurred(&caller.grant(&ada).await.expect_status(201));
            assert!(permits(&caller, &ada).await);
            caller = shop.step(step).await;
            let withdrawn = occurred(&caller.withdraw(&ada).await.expect_status(201));
            assert!(withdrawn > granted, "{step}");
            assert!(!permits(&caller, &ada).await, "{step}");
            caller = shop.step(-step).await;
            assert!(!permits(&caller, &ada).await, "{step}");
            caller = shop.step(step).await;
            let again = occurred(&caller.grant(&ada).await.expect_status(201));
            assert!(again > withdrawn && permits(&caller, &ada).await, "{step}");
            let history = caller.all_pages(&format!("/subjects/{ada}/consents/events"), 10).await;
            let actions: Vec<_> = history.iter().map(|event| event["action"].clone()).collect();
            assert_eq!(actions, ["granted", "withdrawn", "granted"], "{step}");
        }
        let caller = shop.caller().await;
        assert_eq!(told(&caller, "consent.granted").await, 2 * steps.len());
        assert_eq!(told(&caller, "consent.withdrawn").await, steps.len());
    }

    async fn a_repeat_is_answered_once_while_its_day_lasts(engine: Engine) {
        let shop = Shop::open(engine).await;
        let mut caller = shop.caller().await;
        let ada = caller.subject("ada@example.org").await;
        let path = format!("/subjects/{ada}/consents");
        let withdrawal = json!({ "purpose": "newsletter", "action": "refused" });
        let first = caller.post_once("once", &path, &withdrawal).await.expect_status(201);
        for step in [-MINUTE, -HOUR, -YEAR, YEAR, HOUR, MINUTE, 23 * HOUR] {
            caller = shop.step(step).await;
            let again = caller.post_once("once", &path, &withdrawal).await;
            assert_eq!((again.status, &again.body), (first.status, &first.body), "{step}");
        }
        assert_eq!(told(&caller, "consent.refused").await, 1);
    }

    async fn tokens_hold_for_their_time_and_never_from_the_future(engine: Engine) {
        let shop = Shop::open(engine).await;
        let caller = shop.caller().await;
        caller.get("/subjects").await.expect_status(200);
        for (step, status) in [(-HOUR, 401), (HOUR, 200), (-YEAR, 401), (YEAR, 200), (HOUR, 401)] {
            shop.clock.advance(step);
            assert_eq!(caller.get("/subjects").await.status, status, "{step}");
            shop.caller().await.get("/subjects").await.expect_status(200);
        }
    }

    async fn jobs_end_once_though_the_clock_steps_back(engine: Engine) {
        let shop = Shop::open(engine).await;
        let mut requests = Vec::new();
        for (n, step) in [-MINUTE, -HOUR, -YEAR, YEAR, -2 * YEAR].into_iter().enumerate() {
            let caller = shop.caller().await;
            let (leaves, stays) = (
                caller.subject(&format!("leaves-{n}@example.org")).await,
                caller.subject(&format!("stays-{n}@example.org")).await,
            );
            requests.push(caller.request_of("erasure", &leaves).await);
            requests.push(caller.request_of("access", &stays).await);
            shop.clock.advance(step);
        }
        let caller = shop.caller().await;
        let before = shop.clock.now();
        for request in &requests {
            caller.completed(request).await;
        }
        assert_eq!(shop.clock.now(), before, "nobody waited for the clock");
        assert_eq!(told(&caller, "request.completed").await, requests.len() / 2);
        assert_eq!(told(&caller, "request.exported").await, requests.len() / 2);
        assert_eq!(caller.all_pages("/subjects", 100).await.len(), requests.len() / 2);
    }
}
