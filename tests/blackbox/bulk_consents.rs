//! Consents by the thousand, and consents that time and new notices end.

use std::sync::Arc;

use oubli_domain::Time;
use oubli_domain::clock::TestClock;
use oubli_tests::{Caller, TestServer, both_engines, data_map, merge};
use serde_json::{Value, json};

async fn people(shop: &Caller, count: usize) -> Vec<String> {
    let mut people = Vec::new();
    for n in 0..count {
        people.push(shop.subject(&format!("person-{n}@example.org")).await);
    }
    people
}

fn event(subject: &str, action: &str) -> Value {
    let shown = json!({ "notice_version": 1, "language": "en" });
    let event = json!({ "subject": subject, "purpose": "newsletter", "action": action });
    if action == "withdrawn" { event } else { merge(event, &shown) }
}

/// The state of the newsletter, as a read of it and as a check tell.
async fn state(shop: &Caller, subject: &str, query: &str) -> Value {
    let consents = shop.get(&format!("/subjects/{subject}/consents{query}")).await;
    let items = consents.expect_status(200).body["items"].clone();
    let found = items.as_array().unwrap().iter().find(|item| item["purpose"] == "newsletter");
    found.unwrap()["state"].clone()
}

both_engines! {
    async fn a_thousand_events_and_a_thousand_checks(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let people = people(&shop, 20).await;
        // Each person acts fifty times in turn; whose number is odd ends with a withdrawal.
        let action = |n: usize| {
            let (person, turn) = (n % 20, n / 20);
            if (turn + person) % 2 == 1 { "granted" } else { "withdrawn" }
        };
        let items: Vec<Value> = (0..1000).map(|n| event(&people[n % 20], action(n))).collect();
        let recorded = shop.post("/consents:batch", &json!({ "items": items })).await;
        let recorded = recorded.expect_status(200);
        let results = recorded.body["items"].as_array().unwrap();
        assert_eq!(results.len(), 1000);
        assert!(results.iter().all(|result| result["status"] == 201));
        for (n, person) in people.iter().enumerate().take(2) {
            let events = shop.all_pages(&format!("/subjects/{person}/consents/events"), 7).await;
            let actions: Vec<&str> =
                events.iter().map(|event| event["action"].as_str().unwrap()).collect();
            let sent: Vec<&str> = (0..50).map(|turn| action(20 * turn + n)).collect();
            assert_eq!(actions, sent);
            let times: Vec<&str> =
                events.iter().map(|event| event["occurred_at"].as_str().unwrap()).collect();
            assert!(times.is_sorted());
        }

        let questions: Vec<Value> = (0..1000).map(|n| {
            let named = match n % 3 {
                0 => json!({ "subject": people[n % 20] }),
                1 => {
                    let value = format!(" PERSON-{}@example.org", n % 20);
                    json!({ "identifier": { "type": "email", "value": value } })
                }
                _ if n % 5 == 0 => json!({ "subject": "sub_00000000000070008000000000000000" }),
                _ => json!({ "identifier": { "type": "phone", "value": "+33123456789" } }),
            };
            merge(named, &json!({ "purpose": "newsletter" }))
        }).collect();
        let answers = shop.post("/consents:check-batch", &json!({ "items": questions })).await;
        let answers = answers.expect_status(200).body["items"].clone();
        assert_eq!(answers.as_array().unwrap().len(), 1000);
        for (n, answer) in answers.as_array().unwrap().iter().enumerate() {
            if n % 3 == 2 {
                assert_eq!(answer["problem"], "/problems/subject-not-found", "{n}");
                continue;
            }
            let granted = action(20 * 49 + n % 20) == "granted";
            assert_eq!(answer["permitted"], granted, "{n}: {answer}");
            let one = answer["state"].as_str().unwrap();
            assert_eq!(one, if granted { "granted" } else { "withdrawn" });
        }
        for (path, item) in [
            ("/consents:batch", event(&people[0], "granted")),
            ("/consents:check-batch", json!({ "subject": people[0], "purpose": "newsletter" })),
        ] {
            let too_many = json!({ "items": vec![item; 1001] });
            shop.post(path, &too_many).await.expect_problem(422, "invalid-body");
            shop.post(path, &json!({ "items": [] })).await.expect_problem(422, "invalid-body");
        }
    }

    async fn a_withdrawal_needs_no_more_than_its_purpose(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let consents = format!("/subjects/{ada}/consents");
        for action in ["granted", "refused"] {
            let bare = json!({ "purpose": "newsletter", "action": action });
            let bare = shop.post(&consents, &bare).await;
            assert_eq!((bare.status, action), (if action == "granted" { 422 } else { bare.status }, action));
        }
        shop.grant(&ada).await.expect_status(201);
        // The purpose leaves the data map: taking the consent back works all the same.
        let without = merge(data_map(), &json!({ "purposes": { "newsletter": null } }));
        shop.put("/data-map", &without).await.expect_status(201);
        shop.check(&ada).await.expect_problem(422, "unknown-purpose");
        shop.grant(&ada).await.expect_problem(422, "unknown-purpose");
        shop.withdraw(&ada).await.expect_status(201);
        shop.put("/data-map", &data_map()).await.expect_status(201);
        let check = shop.check(&ada).await.expect_status(200);
        assert_eq!(check.body["reason"], "consent-withdrawn");
    }

    async fn a_notice_that_asks_for_renewal_outdates(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        shop.grant(&ada).await.expect_status(201);
        let texts = |text: &str, renewal: bool| {
            json!({ "texts": { "en": text }, "requires_renewal": renewal })
        };
        let notice = "/notices/newsletter";
        shop.put(notice, &texts("The same in other words.", false)).await.expect_status(201);
        assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);
        shop.put(notice, &texts("Now for partners too.", true)).await.expect_status(201);
        let check = shop.check(&ada).await.expect_status(200);
        assert_eq!((&check.body["permitted"], &check.body["state"]), (&json!(false), &json!("outdated")));
        assert_eq!(check.body["reason"], "consent-outdated");
        assert_eq!(state(&shop, &ada, "").await, "outdated");
        let read = format!("/subjects/{ada}/records/profile/main?purpose=newsletter");
        shop.get(&read).await.expect_problem(403, "purpose-not-permitted");
        let again = json!({
            "purpose": "newsletter", "action": "granted", "notice_version": 3, "language": "en",
        });
        shop.post(&format!("/subjects/{ada}/consents"), &again).await.expect_status(201);
        assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);
    }

    async fn a_state_is_told_of_any_moment(engine: Engine) {
        let clock = Arc::new(TestClock::at(Time::parse("2026-01-15T12:00:00Z").unwrap()));
        let server = TestServer::start_at(engine, clock.clone()).await;
        let shop = server.app("shop").await;
        let validity = json!({ "purposes": { "newsletter": { "consent_validity": "P1D" } } });
        shop.put("/data-map", &merge(data_map(), &validity)).await.expect_status(201);
        let ada = shop.subject("ada@example.org").await;
        clock.advance(60);
        shop.grant(&ada).await.expect_status(201);
        clock.advance(60);
        shop.withdraw(&ada).await.expect_status(201);
        clock.advance(60);
        shop.grant(&ada).await.expect_status(201);
        for (at, expected) in [
            ("12:00:59", "none"), ("12:01:00", "granted"), ("12:01:59", "granted"),
            ("12:02:00", "withdrawn"), ("12:03:00", "granted"),
        ] {
            for query in ["at", "known_at"] {
                let query = format!("?{query}=2026-01-15T{at}Z");
                assert_eq!(state(&shop, &ada, &query).await, expected, "{query}");
            }
        }
        let future = shop.get(&format!("/subjects/{ada}/consents?at=2026-01-15T12:03:01Z")).await;
        future.expect_problem(422, "future-time");
    }
}
