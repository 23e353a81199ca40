//! Receipts of consent, privacy signals, renewal and expiry, as callers meet them.

use std::sync::Arc;

use oubli_app::receipt::{Claims, verify_receipt};
use oubli_domain::Time;
use oubli_domain::clock::TestClock;
use oubli_tests::{Caller, Engine, Reply, TestServer, both_engines, data_map, merge};
use serde_json::{Value, json};

const GPP: &str = "DBABMA~CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA";

fn grant(version: u32) -> Value {
    json!({
        "purpose": "newsletter", "action": "granted", "notice_version": version, "language": "en",
    })
}

async fn record(shop: &Caller, subject: &str, event: &Value) -> Reply {
    shop.post(&format!("/subjects/{subject}/consents"), event).await
}

async fn receipt(shop: &Caller, subject: &str, event: &str) -> Reply {
    shop.get(&format!("/subjects/{subject}/consents/{event}/receipt")).await
}

async fn checked(shop: &Caller, reply: Reply) -> Claims {
    let jws = String::from_utf8(reply.expect_status(200).bytes).unwrap();
    let keys = shop.get("/.well-known/oubli-keys").await.expect_status(200).bytes;
    verify_receipt(&jws, &String::from_utf8(keys).unwrap()).unwrap()
}

/// A service whose clock a test moves, at the end of a January.
async fn moving(engine: Engine) -> (TestServer, Arc<TestClock>) {
    let clock = Arc::new(TestClock::at(Time::parse("2026-01-31T12:00:00Z").unwrap()));
    (TestServer::start_at(engine, clock.clone()).await, clock)
}

/// The first state of a subject, which is the newsletter's.
async fn state(shop: &Caller, subject: &str, query: &str) -> Value {
    let path = format!("/subjects/{subject}/consents{query}");
    shop.get(&path).await.expect_status(200).body["items"][0].clone()
}

/// The same question alone and in a batch.
async fn check(shop: &Caller, subject: &str) -> Value {
    let alone = shop.check(subject).await.expect_status(200).body;
    let items = json!({ "items": [{ "subject": subject, "purpose": "newsletter" }] });
    let batch = shop.post("/consents:check-batch", &items).await.expect_status(200);
    for (member, value) in alone.as_object().unwrap() {
        assert_eq!(&batch.body["items"][0][member], value, "{member}");
    }
    alone
}

both_engines! {
    async fn a_receipt_outlives_what_it_was_made_from(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let event = record(&shop, &ada, &grant(1)).await.expect_status(201).text("/event");
        let other = merge(data_map(), &json!({ "purposes": { "newsletter": { "title": "Ads" } } }));
        shop.put("/data-map", &other).await.expect_status(201);

        let reply = receipt(&shop, &ada, &event).await;
        assert_eq!(reply.header("content-type"), Some("application/jose"));
        let claims = checked(&shop, reply).await;
        assert_eq!(claims.record_id.to_string(), event);
        assert_eq!(claims.pii_principal_id.to_string(), ada);
        let purpose = &claims.pii_processing.purposes[0];
        let declared = purpose.declared.as_ref().unwrap();
        assert_eq!((purpose.purpose.as_str(), declared.purpose_title.as_str()), ("newsletter", "Newsletter"));
        assert_eq!(declared.pii_information.len(), 2);
        assert_eq!(declared.recipient_third_parties[0].title, "The carrier");
        assert_eq!(declared.retention_period[0].duration.unwrap().to_string(), "P3Y");
        assert_eq!(claims.party_identification.len(), 2);
        assert_eq!(claims.signals, None);
        shop.erase(&ada).await;
        receipt(&shop, &ada, &event).await.expect_problem(404, "subject-not-found");
    }

    async fn a_receipt_is_of_its_subject_and_app_alone(engine: Engine) {
        let server = TestServer::start(engine).await;
        let (shop, market) = (server.app("shop").await, server.app("market").await);
        let (ada, bob) = (shop.subject("a@example.org").await, shop.subject("b@example.org").await);
        let event = record(&shop, &ada, &grant(1)).await.text("/event");
        let eve = market.subject("e@example.org").await;
        let nothing = format!("evt_{}", "0".repeat(32));
        for (caller, subject, event) in
            [(&shop, &bob, &event), (&shop, &ada, &nothing), (&market, &eve, &event)]
        {
            receipt(caller, subject, event).await.expect_problem(404, "consent-event-not-found");
        }
        receipt(&market, &ada, &event).await.expect_problem(404, "subject-not-found");
        for bad in ["evt_1", "x", &ada, &event.to_uppercase()] {
            let reply = receipt(&shop, &ada, bad).await;
            assert!((400..500).contains(&reply.status), "{bad}: {}", reply.status);
        }
        let theirs = record(&market, &eve, &grant(1)).await.text("/event");
        checked(&market, receipt(&market, &eve, &theirs).await).await;
    }

    async fn signals_are_kept_shown_and_erased(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let signals = json!({ "gpc": true, "gpp": GPP });
        let sent = merge(grant(1), &json!({ "signals": signals, "id": "1" }));
        let event = record(&shop, &ada, &sent).await.expect_status(201).text("/event");
        record(&shop, &ada, &sent).await.expect_status(200);
        let other = merge(sent.clone(), &json!({ "signals": { "gpc": false } }));
        record(&shop, &ada, &other).await.expect_problem(422, "invalid-consent");
        assert_eq!(check(&shop, &ada).await["permitted"], true, "a signal changes no state");
        let item = json!({ "subject": ada, "signals": { "gpc": false } });
        let items = json!({ "items": [merge(grant(1), &item)] });
        shop.post("/consents:batch", &items).await.expect_status(200);

        let events = format!("/subjects/{ada}/consents/events");
        let told = shop.get(&events).await.expect_status(200).body;
        assert_eq!(told["items"][0]["signals"], signals);
        assert_eq!(told["items"][1]["signals"], json!({ "gpc": false }));
        let claims = checked(&shop, receipt(&shop, &ada, &event).await).await;
        assert_eq!(claims.signals.unwrap().gpp.as_deref(), Some(GPP));
        let bundle = shop.export("access", &ada).await;
        assert_eq!(bundle.rows("consents.ndjson")[0]["signals"], signals);
        shop.erase(&ada).await;
        shop.get(&events).await.expect_problem(404, "subject-not-found");
    }

    async fn malformed_signals_are_refused_and_record_nothing(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let long = format!("DBABMA~{}", "A".repeat(4_090));
        for (signals, pointer) in [
            (json!({ "gpp": "" }), "/signals/gpp"),
            (json!({ "gpp": "CPXxRfAPXxRfAAfKABENB" }), "/signals/gpp"),
            (json!({ "gpp": "DBABMA~a b" }), "/signals/gpp"),
            (json!({ "gpp": "DBABMA~" }), "/signals/gpp"),
            (json!({ "gpp": long }), "/signals/gpp"),
            (json!({ "gpp": 7 }), "/signals/gpp"),
            (json!({ "gpc": "1" }), "/signals/gpc"),
            (json!({ "gpc": 1 }), "/signals/gpc"),
            (json!({ "tcf": "x" }), "/signals"),
            (json!(true), "/signals"),
            (json!([]), "/signals"),
        ] {
            let sent = merge(grant(1), &json!({ "subject": ada }));
            let mut sent = sent.as_object().unwrap().clone();
            sent.insert("signals".to_owned(), signals.clone());
            let batch = shop.post("/consents:batch", &json!({ "items": [&sent] })).await;
            batch.expect_problem(422, "invalid-body");
            assert!(batch.text("/errors/0/pointer").starts_with("/items/0"), "{}", batch.body);
            sent.shift_remove("subject");
            let reply = record(&shop, &ada, &Value::Object(sent)).await;
            reply.expect_problem(422, "invalid-body");
            let told = reply.text("/errors/0/pointer");
            assert!(told == pointer || pointer.starts_with(&told), "{signals}: {told}");
        }
        let events = shop.get(&format!("/subjects/{ada}/consents/events")).await;
        assert_eq!(events.body["items"], json!([]));
    }

    async fn a_renewal_outdates_everywhere_from_its_moment(engine: Engine) {
        let (server, clock) = moving(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let granted = record(&shop, &ada, &grant(1)).await.text("/occurred_at");
        clock.advance(60);
        let texts = json!({ "texts": { "en": "We now write daily." }, "requires_renewal": true });
        shop.put("/notices/newsletter", &texts).await.expect_status(201);
        let outdated = check(&shop, &ada).await;
        assert_eq!(outdated["reason"], "consent-outdated");
        let now = state(&shop, &ada, "").await;
        assert_eq!((&now["state"], &now["since"]), (&json!("outdated"), &outdated["since"]));
        clock.advance(60);
        let renewed = now["since"].as_str().unwrap();
        for (query, expected) in [
            (format!("?at={granted}"), "granted"),
            (format!("?known_at={granted}"), "granted"),
            (format!("?at={renewed}&known_at={granted}"), "granted"),
            (format!("?at={renewed}"), "outdated"),
            (format!("?known_at={renewed}"), "outdated"),
        ] {
            assert_eq!(state(&shop, &ada, &query).await["state"], expected, "{query}");
        }
        let late = record(&shop, &ada, &grant(1)).await.expect_status(201);
        let again = check(&shop, &ada).await;
        assert_eq!((&again["reason"], &again["since"]),
            (&json!("consent-outdated"), &late.body["occurred_at"]));
        record(&shop, &ada, &grant(2)).await.expect_status(201);
        assert_eq!(check(&shop, &ada).await["permitted"], true);
    }

    async fn a_grant_expires_at_its_instant_and_month_ends_hold(engine: Engine) {
        let (server, clock) = moving(engine).await;
        let shop = server.app("shop").await;
        let validity = json!({ "purposes": { "newsletter": { "consent_validity": "P1M" } } });
        shop.put("/data-map", &merge(data_map(), &validity)).await.expect_status(201);
        let ada = shop.subject("ada@example.org").await;
        let event = record(&shop, &ada, &grant(1)).await.expect_status(201).text("/event");
        let end = Time::parse("2026-02-28T12:00:00Z").unwrap();
        let claims = checked(&shop, receipt(&shop, &ada, &event).await).await;
        assert_eq!(claims.event.valid_until, Some(end));
        assert_eq!(check(&shop, &ada).await["expires_at"], json!(end));
        for (seconds, permitted) in [(28 * 86_400 - 1, true), (1, false)] {
            clock.advance(seconds);
            // Tokens live for minutes.
            let admin = server.staff(oubli_domain::scope::Role::Admin, "*").await;
            let shop = server.client(&admin, "shop", None).await;
            let told = check(&shop, &ada).await;
            assert_eq!(told["permitted"], permitted, "{told}");
            if !permitted {
                assert_eq!(told["reason"], "consent-expired");
                assert_eq!((&told["since"], &told["expires_at"]), (&json!(end), &json!(end)));
                let state = state(&shop, &ada, "").await;
                assert_eq!((&state["state"], &state["since"]), (&json!("expired"), &json!(end)));
            }
        }
    }
}
