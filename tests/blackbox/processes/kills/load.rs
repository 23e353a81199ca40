//! Many writers at once, and a service that is killed under them after a number of answers by chance.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::{join, join_all};
use oubli_tests::{Caller, Reply, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use crate::processes::installation::{Installation, open_shop};

const WRITERS: usize = 8;
const ROUNDS: usize = 3;
/// How many answers there are in a round at most before the kill.
const ANSWERS: u32 = 60;

/// Someone who writes until the service dies.
struct Writer<'a> {
    /// How many answers all writers have had.
    answers: &'a AtomicUsize,
    name: String,
    subject: String,
    /// How many values were acknowledged: the last one is this number.
    put: usize,
    /// How many consent events were.
    recorded: usize,
    /// The people that were created.
    created: Vec<String>,
}

impl Writer<'_> {
    fn record(&self) -> String {
        format!("/subjects/{}/records/profile/main", self.subject)
    }

    /// A call with the key of the value it brings.
    async fn once(
        &self,
        shop: &Caller,
        method: Method,
        path: &str,
        body: &Value,
        n: usize,
    ) -> Option<Reply> {
        let request = shop.request(method, path).json(body);
        let key = format!("{}-{n}-{}", self.name, path.len());
        let answer = request.header("idempotency-key", key).send().await.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.bytes().await.ok()?.to_vec();
        self.answers.fetch_add(1, Ordering::SeqCst);
        let body = serde_json::from_slice(&bytes).unwrap();
        Some(Reply { status, headers: Vec::new(), body, bytes })
    }

    /// Brings the value `n`: none when the service died before it acknowledged all of it.
    async fn bring(&mut self, shop: &Caller, n: usize) -> Option<()> {
        let body = json!({ "name": self.name, "city": n.to_string() });
        let put = self.once(shop, Method::PUT, &self.record(), &body, n).await?;
        assert!([200, 201].contains(&put.status), "{}", put.body);
        assert_eq!(put.body["version"], n, "done twice, or lost");
        self.put = n;
        let action = if n.is_multiple_of(2) { "withdrawn" } else { "granted" };
        let mut event =
            json!({ "purpose": "newsletter", "action": action, "id": format!("c-{n}") });
        if action == "granted" {
            event["notice_version"] = json!(1);
            event["language"] = json!("en");
        }
        let consents = format!("/subjects/{}/consents", self.subject);
        let recorded = self.once(shop, Method::POST, &consents, &event, n).await?;
        assert!([200, 201].contains(&recorded.status), "{}", recorded.body);
        self.recorded = n;
        let email = format!("{}-{n}@example.org", self.name);
        let new = json!({ "identifiers": [{ "type": "email", "value": email }] });
        let created = self.once(shop, Method::POST, "/subjects", &new, n).await?;
        self.created.push(created.expect_status(201).text("/subject"));
        Some(())
    }

    async fn write(&mut self, shop: &Caller) {
        while self.bring(shop, self.created.len() + 1).await.is_some() {}
    }

    /// What was acknowledged is there; what was cut off is there whole, or not at all.
    async fn holds(&self, shop: &Caller) {
        let read = shop.get(&format!("{}?purpose=delivery", self.record())).await;
        let value = match read.status {
            404 => 0,
            _ => read.expect_status(200).body["body"]["city"].as_str().unwrap().parse().unwrap(),
        };
        assert!((self.put..=self.put + 1).contains(&value), "{value} instead of {}", self.put);
        if value > 0 {
            let versions = shop.all_pages(&format!("{}/versions", self.record()), 1_000).await;
            assert_eq!(versions.len(), value, "a version for each value");
        }
        let history = format!("/subjects/{}/consents/events", self.subject);
        let events = shop.all_pages(&history, 1_000).await;
        assert!((self.recorded..=self.recorded + 1).contains(&events.len()));
        if let Some(newest) = events.last() {
            let permitted = shop.check(&self.subject).await.expect_status(200);
            assert_eq!(permitted.body["permitted"], newest["action"] == "granted");
        }
    }
}

/// How many events of a type the log has.
async fn told(shop: &Caller, kind: &str) -> usize {
    let events = shop.all_pages("/events", 1_000).await;
    events.iter().filter(|event| event["leaf"]["type"] == kind).count()
}

both_engines! {
    async fn what_was_acknowledged_under_load_is_there_once(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let mut process = own.start("all").await;
        let mut shop = open_shop(&process, &client).await;
        let (answers, mut writers) = (AtomicUsize::new(0), Vec::new());
        for n in 0..WRITERS {
            let name = format!("writer-{n}");
            let subject = shop.subject(&format!("{name}@example.org")).await;
            let created = Vec::new();
            writers.push(Writer { answers: &answers, name, subject, put: 0, recorded: 0, created });
        }
        for _ in 0..ROUNDS {
            let writing = join_all(writers.iter_mut().map(|writer| writer.write(&shop)));
            let killing = async {
                // The moment is by chance, on purpose: whatever it is, what follows holds.
                let until = 1 + getrandom::u32().unwrap() % ANSWERS;
                answers.store(0, Ordering::SeqCst);
                while answers.load(Ordering::SeqCst) < until as usize {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                process.kill().await;
            };
            join(writing, killing).await;
            process = own.start("all").await;
            shop = shop.at(&process.url);
            for writer in &writers {
                writer.holds(&shop).await;
            }
        }
        // Whoever was cut off repeats the call, with the same keys.
        for writer in &mut writers {
            writer.bring(&shop, writer.created.len() + 1).await.unwrap();
            writer.holds(&shop).await;
        }
        let brought: usize = writers.iter().map(|writer| writer.created.len()).sum();
        assert_eq!(told(&shop, "record.put").await, brought);
        assert_eq!(told(&shop, "subject.created").await, WRITERS + brought);
        let granted = told(&shop, "consent.granted").await;
        assert_eq!(granted + told(&shop, "consent.withdrawn").await, brought);
        let people = shop.all_pages("/subjects", 1_000).await;
        assert_eq!(people.len(), WRITERS + brought);
        let known = |subject: &String| people.iter().any(|person| person["subject"] == *subject);
        assert!(writers.iter().flat_map(|writer| &writer.created).all(known));
        process.stop().await;
    }
}
