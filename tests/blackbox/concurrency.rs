//! Many calls at once: one wins, nobody reads what was taken back, nothing outlives an erasure.

mod history;
mod nodes;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use oubli_app::certificate::verify_certificate;
use oubli_tests::{Caller, Reply, TestServer, both_engines};
use serde_json::{Value, json};

fn email(address: &str) -> Value {
    json!({ "identifiers": [{ "type": "email", "value": address }] })
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

/// What one of many callers does about a person, again and again.
async fn act(shop: &Caller, ada: &str, n: usize) -> Reply {
    let record = format!("/subjects/{ada}/records/profile/r-{}", n % 7);
    let body = json!({ "name": "Ada", "city": n.to_string() });
    match n % 10 {
        0 | 1 => shop.put(&record, &body).await,
        2 => shop.patch(&record, &json!({ "country": "France" })).await,
        3 => shop.get(&format!("{record}?purpose=delivery")).await,
        4 => shop.grant(ada).await,
        5 => shop.check(ada).await,
        6 => {
            let identifier = json!({ "type": "external_id", "value": n.to_string() });
            shop.post(&format!("/subjects/{ada}/identifiers"), &identifier).await
        }
        7 => {
            let item = json!({
                "subject": ada, "category": "invoice", "record": format!("i-{n}"),
                "body": { "date": "2025-03-01" },
            });
            shop.post("/records:batch", &json!({ "items": [item] })).await
        }
        8 => shop.post("/requests", &json!({ "right": "access", "subject": ada })).await,
        _ => {
            shop.post_once(
                &format!("k-{n}"),
                &format!("/subjects/{ada}/consents"),
                &json!({
                    "purpose": "newsletter", "action": "withdrawn",
                }),
            )
            .await
        }
    }
}

/// Whether an answer says that the person is being erased, or gone.
fn says_gone(reply: &Reply) -> bool {
    let item = reply.body.pointer("/items/0");
    let (status, problem) = match item {
        Some(item) => (item["status"].clone(), item["problem"].clone()),
        None => (json!(reply.status), reply.body["type"].clone()),
    };
    (status == 409 && problem == "/problems/subject-erasing")
        || (status == 404 && problem == "/problems/subject-not-found")
}

both_engines! {
    async fn of_fifty_creates_with_one_identifier_one_succeeds(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let replies = join_all((0..50).map(|n| {
            // Each brings one of its own too, which must come to nothing with the refusal.
            let own = json!({ "type": "external_id", "value": format!("own-{n}") });
            let mut new = email(if n % 2 == 0 { "ada@example.org" } else { "ADA@Example.ORG" });
            new["identifiers"].as_array_mut().unwrap().push(own);
            let shop = &shop;
            async move { shop.post("/subjects", &new).await }
        })).await;
        assert_eq!((count(&replies, 201), count(&replies, 409)), (1, 49));
        let (winner, created) =
            replies.iter().enumerate().find(|(_, reply)| reply.status == 201).unwrap();
        for refused in replies.iter().filter(|reply| reply.status == 409) {
            refused.expect_problem(409, "identifier-taken");
        }
        let found = shop.lookup("email", "ada@example.org").await.expect_status(200);
        assert_eq!(found.body["subject"], created.body["subject"]);
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 1);
        for n in 0..50 {
            let own = shop.lookup("external_id", &format!("own-{n}")).await;
            assert_eq!(own.status, if n == winner { 200 } else { 404 }, "own-{n}");
        }
    }

    async fn fifty_ensures_give_one_subject(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let new = email("ada@example.org");
        let replies = join_all((0..50).map(|_| shop.post("/subjects:ensure", &new))).await;
        assert_eq!((count(&replies, 201), count(&replies, 200)), (1, 49));
        let first = &replies[0].body["subject"];
        assert!(replies.iter().all(|reply| reply.body["subject"] == *first));
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 1);
    }

    async fn of_fifty_puts_over_one_version_one_wins(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        shop.put(&record, &json!({ "name": "first" })).await.expect_status(201);
        let bodies: Vec<Value> = (0..50).map(|n| json!({ "name": n.to_string() })).collect();
        let replies = join_all(bodies.iter().map(|body| shop.put_if(&record, 1, body))).await;
        assert_eq!((count(&replies, 200), count(&replies, 412)), (1, 49));
        let winner = replies.iter().position(|reply| reply.status == 200).unwrap();
        let read = shop.get(&format!("{record}?purpose=delivery")).await.expect_status(200);
        assert_eq!((&read.body["version"], &read.body["body"]), (&json!(2), &bodies[winner]));
        // Without a condition each is written, one after the other.
        let replies = join_all(bodies.iter().map(|body| shop.put(&record, body))).await;
        assert_eq!(count(&replies, 200), 50);
        let mut versions: Vec<i64> =
            replies.iter().map(|reply| reply.body["version"].as_i64().unwrap()).collect();
        versions.sort_unstable();
        assert_eq!(versions, (3..53).collect::<Vec<i64>>());
    }

    async fn a_check_after_an_acknowledged_withdrawal_never_permits(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        shop.put(&record, &json!({ "name": "Ada" })).await.expect_status(201);
        let read = format!("{record}?purpose=newsletter");
        let batch = json!({ "items": [
            { "identifier": { "type": "email", "value": "ada@example.org" }, "purpose": "newsletter" },
        ] });
        for _ in 0..10 {
            shop.grant(&ada).await.expect_status(201);
            let acknowledged = AtomicBool::new(false);
            let asker = |n: usize| {
                let (shop, ada, read, batch) = (&shop, &ada, &read, &batch);
                let acknowledged = &acknowledged;
                async move {
                    let mut last = false;
                    while !last {
                        last = acknowledged.load(Ordering::SeqCst);
                        let permitted = match n % 3 {
                            0 => shop.check(ada).await.expect_status(200).body["permitted"].clone(),
                            1 => {
                                let many = shop.post("/consents:check-batch", batch).await;
                                many.expect_status(200).body["items"][0]["permitted"].clone()
                            }
                            _ => json!(shop.get(read).await.status == 200),
                        };
                        assert!(!last || permitted == false, "asker {n}");
                    }
                }
            };
            let withdrawal = async {
                shop.withdraw(&ada).await.expect_status(201);
                acknowledged.store(true, Ordering::SeqCst);
            };
            tokio::join!(join_all((0..6).map(asker)), withdrawal);
        }
    }

    async fn nothing_is_read_or_written_after_an_erasure_is_acknowledged(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        for round in 0..3 {
            let ada = shop.subject("ada@example.org").await;
            for n in 0..10 {
                act(&shop, &ada, n).await;
            }
            let acknowledged = AtomicBool::new(false);
            let actor = |start: usize| {
                let (shop, ada, acknowledged) = (&shop, &ada, &acknowledged);
                async move {
                    let mut after = 0;
                    for n in start.. {
                        let late = acknowledged.load(Ordering::SeqCst);
                        let reply = act(shop, ada, n).await;
                        assert!(reply.status < 500, "{n}: {}", reply.body);
                        assert!(!late || says_gone(&reply), "{n}: {} {}", reply.status, reply.body);
                        after += usize::from(late);
                        if after == 10 {
                            return;
                        }
                    }
                }
            };
            let erasure = async {
                // In the middle of what the others do.
                for n in 0..4 * round {
                    shop.check(&ada).await;
                    act(&shop, &ada, n).await;
                }
                let request = shop.request_of("erasure", &ada).await;
                acknowledged.store(true, Ordering::SeqCst);
                shop.completed(&request).await;
                request
            };
            let (_, request) = tokio::join!(join_all((0..8).map(|n| actor(1_000 * n + n))), erasure);
            let (certificate, keys) = shop.certificate(&request).await;
            let claims = verify_certificate(&certificate, &keys).unwrap();
            assert!(claims.left.len() >= 14 && claims.left.values().all(|rows| *rows == 0));
            assert_eq!(shop.all_pages("/subjects", 100).await, Vec::<Value>::new());
            let mine = shop.get(&format!("/requests?subject={ada}")).await.expect_status(200);
            assert_eq!(mine.body["items"], json!([]), "no request points to the person");
        }
    }

    async fn erasures_asked_for_at_once_are_one(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let erasure = json!({ "right": "erasure", "subject": ada });
        let replies = join_all((0..20).map(|_| shop.post("/requests", &erasure))).await;
        assert_eq!(count(&replies, 202), 1);
        assert!(replies.iter().filter(|reply| reply.status != 202).all(says_gone));
        let made = replies.iter().find(|reply| reply.status == 202).unwrap();
        shop.completed(&made.text("/request")).await;
        assert_eq!(shop.all_pages("/requests", 100).await.len(), 1);
    }

    async fn many_erasures_at_once_all_end(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let people = join_all((0..20).map(|n| {
            let shop = &shop;
            async move {
                let person = shop.subject(&format!("person-{n}@example.org")).await;
                shop.grant(&person).await.expect_status(201);
                person
            }
        })).await;
        let claims = join_all(people.iter().map(|person| shop.erase(person))).await;
        assert!(claims.iter().all(|claims| claims.deleted["consent_events"] == 1));
        assert_eq!(shop.all_pages("/subjects", 100).await, Vec::<Value>::new());
    }
}
