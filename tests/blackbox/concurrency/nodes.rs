//! Two processes on one PostgreSQL, and one on SQLite, whose files belong to one: what one of them
//! acknowledged holds for the other.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;
use oubli_app::certificate::verify_certificate;
use oubli_domain::SubjectId;
use oubli_tests::raw::{self, Place};
use oubli_tests::{Caller, Engine, Reply, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::history::{History, Seen};
use super::{count, says_gone};
use crate::processes::crashes::assert_nothing_left;
use crate::processes::installation::{Installation, Process, customer, open_shop};

/// How many kinds of calls [`touch`] has.
const KINDS: usize = 12;

/// The callers, one for each process.
struct Nodes {
    own: Installation,
    processes: Vec<Process>,
    callers: Vec<Caller>,
}

impl Nodes {
    async fn start(engine: Engine) -> Self {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let mut processes = vec![own.start("all").await];
        if engine == Engine::Postgres {
            processes.push(own.start("all").await);
        }
        let first = open_shop(&processes[0], &client).await;
        let callers = processes.iter().map(|process| first.at(&process.url)).collect();
        Self { own, processes, callers }
    }

    fn of(&self, n: usize) -> &Caller {
        &self.callers[n % self.callers.len()]
    }

    async fn stop(self) -> Installation {
        for process in self.processes {
            process.stop().await;
        }
        self.own
    }
}

/// Asks in one of four ways whether the newsletter may be sent.
async fn permitted(shop: &Caller, ada: &str, way: usize) -> Seen {
    let person = json!({ "subject": ada });
    match way % 4 {
        0 => Seen::checked(&shop.check(ada).await.expect_status(200).body),
        1 => {
            let item = json!({ "subject": ada, "purpose": "newsletter" });
            let many = shop.post("/consents:check-batch", &json!({ "items": [item] })).await;
            Seen::checked(&many.expect_status(200).body["items"][0])
        }
        2 => {
            let read = format!("/subjects/{ada}/records/profile/main?purpose=newsletter");
            let reply = shop.get(&read).await;
            if reply.status != 200 {
                reply.expect_problem(403, "purpose-not-permitted");
            }
            Seen::only(reply.status == 200)
        }
        _ => {
            let read = json!({
                "purpose": "newsletter", "items": [person], "categories": ["profile"],
            });
            let many = shop.post("/records:read", &read).await.expect_status(200);
            Seen::only(many.body["items"][0]["status"] == 200)
        }
    }
}

/// What somebody does about a person, again and again, in every way that reads or writes.
async fn touch(shop: &Caller, ada: &str, n: usize) -> Reply {
    let record = format!("/subjects/{ada}/records/profile/r-{}", n % 5);
    let body = json!({ "name": "Canary Lovelace", "city": n.to_string() });
    match n % KINDS {
        0 => shop.put(&record, &body).await,
        1 => shop.patch(&record, &json!({ "country": "France" })).await,
        2 => shop.get(&format!("{record}?purpose=delivery")).await,
        3 => shop.delete(&record).await,
        4 => shop.grant(ada).await,
        5 => shop.lookup("email", "canary@example.org").await,
        6 => {
            let identifier = json!({ "type": "external_id", "value": format!("canary-{n}") });
            shop.post(&format!("/subjects/{ada}/identifiers"), &identifier).await
        }
        7 => {
            let item = json!({
                "subject": ada, "category": "profile", "record": format!("b-{n}"), "body": body,
            });
            shop.post_once(&format!("b-{n}"), "/records:batch", &json!({ "items": [item] })).await
        }
        8 => {
            let item = json!({ "subject": ada, "purpose": "newsletter", "action": "withdrawn" });
            shop.post("/consents:batch", &json!({ "items": [item] })).await
        }
        9 => {
            let (purpose, categories) = ("delivery", ["profile"]);
            let items = json!([{ "subject": ada }]);
            let read = json!({ "purpose": purpose, "items": items, "categories": categories });
            shop.post("/records:read", &read).await
        }
        10 => {
            let line = json!({
                "type": "record", "id": format!("line-{n}"), "subject": "canary-line",
                "category": "profile", "record": format!("l-{n}"), "body": body,
            });
            shop.post("/import", &json!({ "lines": [line] })).await
        }
        _ => shop.post("/requests", &json!({ "right": "portability", "subject": ada })).await,
    }
}

/// Whether an answer, or its one line, says that there is nobody to read or write about.
fn says_nobody(reply: &Reply) -> bool {
    let line = reply.body.pointer("/lines/0/problem").and_then(Value::as_str);
    let gone = ["/problems/subject-erasing", "/problems/subject-not-found"];
    line.map_or_else(|| says_gone(reply), |problem| gone.contains(&problem))
}

/// Every table and file that a thief of the databases would have.
async fn places(own: &Installation) -> Vec<Place> {
    match &own.databases {
        None => raw::files(&own.path("data"), &[]),
        Some(databases) => {
            let data = raw::tables(databases.data_url()).await;
            [data, raw::tables(databases.keys_url()).await].concat()
        }
    }
}

/// Where the sixteen bytes of an id stand.
fn holding<'p>(places: &'p [Place], subject: &str) -> Vec<&'p str> {
    let id: SubjectId = subject.parse().unwrap();
    let bytes = id.0.as_bytes();
    let holds = |held: &[u8]| held.windows(bytes.len()).any(|window| window == bytes);
    places.iter().filter(|(_, held)| holds(held)).map(|(name, _)| name.as_str()).collect()
}

both_engines! {
    async fn consents_are_linearisable(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        let ada = nodes.of(0).subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        nodes.of(0).put(&record, &json!({ "name": "Ada" })).await.expect_status(201);
        let (history, done) = (History::default(), AtomicBool::new(false));
        let writer = async {
            for n in 0..16 {
                // Each node writes grants and withdrawals.
                let shop = nodes.of(n / 2);
                let write = async {
                    let grants = n % 2 == 0;
                    let reply = if grants { shop.grant(&ada).await } else { shop.withdraw(&ada).await };
                    Seen::written(grants, reply.expect_status(201).text("/occurred_at"))
                };
                history.write(write).await;
                // Some reads fall between two writes.
                for way in 0..4 {
                    history.read(permitted(nodes.of(way + n), &ada, way)).await;
                }
            }
            done.store(true, Ordering::SeqCst);
        };
        let reader = |n: usize| {
            let (nodes, ada, history, done) = (&nodes, &ada, &history, &done);
            async move {
                while !done.load(Ordering::SeqCst) {
                    history.read(permitted(nodes.of(n), ada, n / 2)).await;
                }
            }
        };
        tokio::join!(join_all((0..8).map(reader)), writer);
        let reads = history.judge().unwrap_or_else(|read| panic!("nobody can have seen {read:?}"));
        assert!(reads > 64, "{reads}");
        nodes.stop().await;
    }

    async fn one_of_many_conditional_writes_wins_on_all_nodes(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        let ada = nodes.of(0).subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        nodes.of(0).put(&record, &json!({ "name": "first" })).await.expect_status(201);
        for version in 1..6 {
            let bodies: Vec<Value> = (0..16).map(|n| json!({ "name": format!("{version}-{n}") })).collect();
            let puts = bodies.iter().enumerate();
            let puts = puts.map(|(n, body)| nodes.of(n).put_if(&record, version, body));
            let replies = join_all(puts).await;
            assert_eq!((count(&replies, 200), count(&replies, 412)), (1, 15), "{version}");
            let winner = replies.iter().position(|reply| reply.status == 200).unwrap();
            let read = nodes.of(winner + 1).get(&format!("{record}?purpose=delivery")).await;
            assert_eq!(read.expect_status(200).body["body"], bodies[winner]);
        }
        nodes.stop().await;
    }

    async fn an_identifier_has_one_owner_on_all_nodes(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        for round in 0..4 {
            let new = json!({
                "identifiers": [{ "type": "email", "value": format!("n{round}@example.org") }],
            });
            let replies = join_all((0..12).map(|n| nodes.of(n).post("/subjects", &new))).await;
            assert_eq!((count(&replies, 201), count(&replies, 409)), (1, 11), "{round}");
            let ensured = join_all((0..12).map(|n| nodes.of(n).post("/subjects:ensure", &new))).await;
            let made = replies.iter().find(|reply| reply.status == 201).unwrap();
            assert!(ensured.iter().all(|reply| reply.body["subject"] == made.body["subject"]));
        }
        nodes.stop().await;
    }

    async fn a_call_and_its_repeats_at_once_are_one_on_all_nodes(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        let shop = nodes.of(0);
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        shop.put(&record, &json!({ "name": "first" })).await.expect_status(201);
        let phone = json!({ "type": "phone", "value": "+33123456789" });
        let added = shop.post(&format!("/subjects/{ada}/identifiers"), &phone).await.expect_status(201);
        let identifier = format!("/subjects/{ada}/identifiers/{}", added.text("/identifier"));
        let erasure = json!({ "right": "erasure", "subject": ada });
        // What the first one did refuses any other: the repeats get its answer all the same.
        let calls = [
            (Method::PUT, record.as_str(), Some(json!({ "name": "second" })), Some("\"1\"")),
            (Method::DELETE, record.as_str(), None, None),
            (Method::DELETE, identifier.as_str(), None, None),
            (Method::POST, "/requests", Some(erasure), None),
        ];
        for (method, path, body, condition) in calls {
            let replies = join_all((0..16).map(|n| {
                let mut call = nodes.of(n).request(method.clone(), path);
                call = call.header("idempotency-key", format!("once-{method}-{}", path.len()));
                if let Some(condition) = condition {
                    call = call.header("if-match", condition);
                }
                if let Some(body) = &body {
                    call = call.json(body);
                }
                Reply::of(call)
            })).await;
            for reply in &replies {
                assert_eq!((reply.status, &reply.body), (replies[0].status, &replies[0].body), "{path}");
            }
            assert!(replies[0].status < 300, "{path}: {}", replies[0].body);
        }
        nodes.stop().await;
    }

    async fn batches_and_single_writes_of_one_record_all_come_through(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        // Processes cannot take turns with each other: this is about the writers of one.
        let shop = nodes.of(0);
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        let write = async |n: usize| {
            let body = json!({ "name": n.to_string() });
            if n.is_multiple_of(2) {
                return shop.put(&record, &body).await.status < 300;
            }
            let item = json!({ "subject": ada, "category": "profile", "record": "main", "body": body });
            let batch = shop.post("/records:batch", &json!({ "items": [item] })).await;
            batch.expect_status(200).body["items"][0]["status"].as_u64() < Some(300)
        };
        let written = join_all((0..80).map(write)).await;
        assert!(written.iter().all(|written| *written));
        let versions = shop.all_pages(&format!("{record}/versions"), 100).await;
        assert_eq!(versions.len(), 80);
        nodes.stop().await;
    }

    async fn nothing_of_a_person_is_left_by_a_race_with_the_erasure(engine: Engine) {
        let nodes = Nodes::start(engine).await;
        let line = json!({
            "type": "subject", "id": "canary-line", "created_at": "2020-02-01T08:00:00Z",
            "identifiers": [{ "type": "email", "value": "canary@example.org" }],
        });
        nodes.of(0).post("/import", &json!({ "lines": [line] })).await.expect_status(200);
        let ada = nodes.of(0).lookup("email", "canary@example.org").await.text("/subject");
        let stays = customer(nodes.of(0), "stays@example.org").await;
        let (acknowledged, touched) = (AtomicBool::new(false), AtomicUsize::new(0));
        let actor = |start: usize| {
            let (nodes, ada, acknowledged, touched) = (&nodes, &ada, &acknowledged, &touched);
            async move {
                let mut answers: BTreeMap<u16, usize> = BTreeMap::new();
                let mut after = 0;
                for n in start.. {
                    let late = acknowledged.load(Ordering::SeqCst);
                    // Each kind of call goes to every node.
                    let reply = touch(nodes.of(n / KINDS), ada, n).await;
                    touched.fetch_add(1, Ordering::SeqCst);
                    *answers.entry(reply.status).or_default() += 1;
                    assert!(reply.status < 500, "{n}: {}", reply.body);
                    assert!(!late || says_nobody(&reply), "{n}: {} {}", reply.status, reply.body);
                    after += usize::from(late);
                    if after == 24 {
                        return answers;
                    }
                }
                answers
            }
        };
        let erasure = async {
            while touched.load(Ordering::SeqCst) < 60 {
                tokio::task::yield_now().await;
            }
            let request = nodes.of(1).request_of("erasure", &ada).await;
            acknowledged.store(true, Ordering::SeqCst);
            nodes.of(0).completed(&request).await;
            request
        };
        let (answers, request) = tokio::join!(join_all((0..6).map(|n| actor(1_000 * n))), erasure);
        let statuses: HashSet<u16> = answers.iter().flat_map(BTreeMap::keys).copied().collect();
        assert!(statuses.contains(&200) && statuses.contains(&201), "something was written: {answers:?}");
        let (certificate, keys) = nodes.of(0).certificate(&request).await;
        let claims = verify_certificate(&certificate, &keys).unwrap();
        assert_nothing_left(&claims);
        let own = nodes.stop().await;
        let places = places(&own).await;
        assert!(!holding(&places, &stays).is_empty(), "whoever stays is found");
        assert_eq!(holding(&places, &ada), Vec::<&str>::new());
        assert_eq!(raw::find("canary", &places), []);
    }
}
