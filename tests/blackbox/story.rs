//! The main job: data in, consent decides, export out, erasure leaves a certificate.

use std::sync::Arc;

use oubli_app::certificate::{Claims, verify_certificate};
use oubli_domain::Time;
use oubli_domain::clock::TestClock;
use oubli_tests::{Caller, Reply, TestServer, both_engines};
use serde_json::{Value, json};

/// What is put of Ada, by the path below her.
fn records() -> [(&'static str, Value); 3] {
    [
        (
            "profile/main",
            json!({
                "name": "Ada Łovelace", "email": "ada@example.org", "phone": null,
                "address": "12 rue de l’Étoile", "city": "Paris", "country": "France",
            }),
        ),
        ("invoice/2025-001", json!({ "date": "2025-03-01", "total": 12.5 })),
        ("invoice/2025-002", json!({ "date": "2025-04-01", "total": 0, "address": "Lyon" })),
    ]
}

fn identifiers() -> Value {
    json!([
        { "type": "email", "value": "Ada@Example.org" },
        { "type": "phone", "value": "01 23 45 67 89" },
        { "type": "external_id", "value": "customer 7" },
    ])
}

/// Creates Ada with all her data.
async fn ada(shop: &Caller) -> String {
    let new = json!({ "identifiers": identifiers() });
    let ada = shop.post("/subjects", &new).await.expect_status(201).text("/subject");
    for (place, body) in records() {
        let path = format!("/subjects/{ada}/records/{place}");
        shop.put(&path, &body).await.expect_status(201);
    }
    ada
}

async fn read(shop: &Caller, ada: &str, place: &str, purpose: &str) -> Reply {
    shop.get(&format!("/subjects/{ada}/records/{place}?purpose={purpose}")).await
}

/// The members of a row that a test can know.
fn only(row: &Value, members: &[&str]) -> Value {
    members.iter().map(|name| ((*name).to_owned(), row[name].clone())).collect()
}

both_engines! {
    async fn consent_decides_who_may_read(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        let main = "profile/main";
        let newsletter = read(&shop, &ada, main, "newsletter").await;
        newsletter.expect_problem(403, "purpose-not-permitted");

        shop.grant(&ada).await.expect_status(201);
        let seen = read(&shop, &ada, main, "newsletter").await.expect_status(200);
        assert_eq!(seen.header("etag"), Some("\"1\""));
        let fields = json!({ "name": "Ada Łovelace", "email": "ada@example.org" });
        assert_eq!(seen.body["body"], fields);
        assert_eq!(shop.check(&ada).await.expect_status(200).body["permitted"], true);

        shop.withdraw(&ada).await.expect_status(201);
        let newsletter = read(&shop, &ada, main, "newsletter").await;
        newsletter.expect_problem(403, "purpose-not-permitted");
        let check = shop.check(&ada).await.expect_status(200);
        assert_eq!(check.body["permitted"], false);
        assert_eq!(check.body["reason"], "consent-withdrawn");
        let delivery = read(&shop, &ada, main, "delivery").await.expect_status(200);
        let names: Vec<&String> = delivery.body["body"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["name", "address", "city", "country"], "in the order in which they came");
    }

    async fn an_access_export_holds_what_was_put(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        shop.grant(&ada).await.expect_status(201);
        read(&shop, &ada, "profile/main", "newsletter").await.expect_status(200);
        shop.withdraw(&ada).await.expect_status(201);
        read(&shop, &ada, "profile/main", "newsletter").await;

        let bundle = shop.export("access", &ada).await;
        assert_eq!(bundle.manifest["right"], "access");
        assert_eq!(bundle.names(), [
            "information.json", "subject.json", "records/invoice.ndjson",
            "records/profile.ndjson", "consents.ndjson", "reads.ndjson", "requests.json",
        ]);
        for (place, body) in records() {
            let (category, record) = place.split_once('/').unwrap();
            let rows = bundle.rows(&format!("records/{category}.ndjson"));
            let row = rows.iter().find(|row| row["record"] == record).unwrap();
            assert_eq!((&row["fields"], &row["version"]), (&body, &json!(1)));
        }
        assert_eq!(bundle.rows("records/invoice.ndjson").len(), 2);
        let subject = bundle.document("subject.json");
        let mut found: Vec<Value> = subject["identifiers"].as_array().unwrap().iter()
            .map(|row| only(row, &["type", "value"])).collect();
        found.sort_by_key(ToString::to_string);
        let mut typed = identifiers().as_array().unwrap().clone();
        typed.sort_by_key(ToString::to_string);
        assert_eq!(found, typed);
        let consents = bundle.rows("consents.ndjson");
        let actions: Vec<&Value> = consents.iter().map(|row| &row["action"]).collect();
        assert_eq!(actions, ["granted", "withdrawn"]);
        let reads = bundle.rows("reads.ndjson");
        assert_eq!(reads.len(), 1, "a refused read disclosed nothing");
        assert_eq!(
            only(&reads[0], &["purpose", "record", "fields"]),
            json!({
                "purpose": "newsletter", "record": "main",
                "fields": { "profile": ["email", "name"] },
            }),
        );
        let information = bundle.document("information.json");
        assert_eq!(information["controller"]["name"], "A small shop");
        assert_eq!(information["recipients"][0]["name"], "carrier");
    }

    async fn a_portability_export_holds_what_consent_and_contract_cover(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        let bundle = shop.export("portability", &ada).await;
        assert_eq!(bundle.names(), ["records/invoice.ndjson", "records/profile.ndjson"]);
        let profile = &bundle.rows("records/profile.ndjson")[0]["fields"];
        let (_, mut expected) = records()[0].clone();
        expected.as_object_mut().unwrap().remove("phone");
        assert_eq!(*profile, expected);
        let invoices = bundle.rows("records/invoice.ndjson");
        assert_eq!(invoices.len(), 1, "date and total are kept under a legal obligation");
        assert_eq!(invoices[0]["fields"], json!({ "address": "Lyon" }));
    }

    async fn a_download_works_once(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        let request = shop.request_of("access", &ada).await;
        shop.completed(&request).await;
        let (bundle, old) = shop.issue_download(&request).await;
        let (same, token) = shop.issue_download(&request).await;
        assert_eq!(bundle, same);
        shop.fetch(&bundle, &old).await.expect_problem(404, "download-not-found");
        shop.get(&bundle).await.expect_problem(404, "download-not-found");
        // The token is enough: the person who downloads has no account here.
        let person = server.anonymous().for_app("shop");
        let other = server.app("other").await;
        other.fetch(&bundle, &token).await.expect_problem(404, "download-not-found");
        person.fetch(&bundle, &token).await.expect_status(200);
        person.fetch(&bundle, &token).await.expect_problem(404, "download-not-found");
        let again = shop.request(reqwest::Method::POST, &format!("/requests/{request}/download"));
        Reply::of(again).await.expect_problem(404, "download-not-found");
    }

    async fn a_download_expires(engine: Engine) {
        let clock = Arc::new(TestClock::at(Time::parse("2026-01-15T12:00:00Z").unwrap()));
        let server = TestServer::start_at(engine, clock.clone()).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        let request = shop.request_of("access", &ada).await;
        shop.completed(&request).await;
        let (bundle, token) = shop.issue_download(&request).await;
        let person = server.anonymous().for_app("shop");
        clock.advance(72 * 3_600);
        person.fetch(&bundle, &token).await.expect_problem(404, "download-not-found");
        clock.advance(-1);
        person.fetch(&bundle, &token).await.expect_status(200);
    }

    async fn an_erasure_does_what_its_preview_said(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        shop.grant(&ada).await.expect_status(201);
        let plan = shop.post("/requests:preview", &json!({ "subject": ada })).await;
        let plan = plan.expect_status(200).body;
        assert_eq!(plan["erased"], json!([
            { "category": "invoice", "records": 2 }, { "category": "profile", "records": 1 },
        ]));
        assert_eq!(plan["kept"], json!([]));

        let claims = shop.erase(&ada).await;
        for (table, rows) in plan["tables"].as_object().unwrap() {
            let deleted = claims.deleted.get(table).copied().unwrap_or_default();
            assert_eq!(json!(deleted), *rows, "{table}");
            assert_eq!(claims.left[table], 0, "{table}");
        }
        assert_eq!((claims.deleted["records"], claims.deleted["identifiers"]), (3, 3));
        assert_eq!((claims.deleted["consent_events"], claims.deleted["subject_keys"]), (1, 1));
        assert!(claims.acknowledged_at <= claims.completed_at);
        let request = shop.get(&format!("/requests/{}", claims.request)).await.expect_status(200);
        assert_eq!(request.body.get("subject"), None);
    }

    async fn a_certificate_that_was_changed_does_not_hold(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let other = server.app("other").await;
        let ada = ada(&shop).await;
        let request = shop.request_of("erasure", &ada).await;
        shop.completed(&request).await;
        let (certificate, keys) = shop.certificate(&request).await;
        let claims: Claims = verify_certificate(&certificate, &keys).unwrap();
        assert_eq!(claims.app.as_str(), "shop");
        assert!(!serde_json::to_string(&claims).unwrap().contains(&ada["sub_".len()..]));
        let mut at = 0;
        for part in certificate.split('.') {
            let mut changed = certificate.clone().into_bytes();
            let place = at + part.len() / 2;
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(verify_certificate(&changed, &keys).is_err(), "a change at {place}");
            at += part.len() + 1;
        }
        let mut strangers: Value = serde_json::from_str(&keys).unwrap();
        let published = strangers["keys"].as_array_mut().unwrap();
        published.retain(|key| key["app"] == "other");
        assert_eq!(published.len(), 1);
        assert!(verify_certificate(&certificate, &strangers.to_string()).is_err());
        let path = format!("/requests/{request}/certificate");
        other.get(&path).await.expect_problem(404, "request-not-found");
    }

    async fn from_the_acknowledgement_on_nobody_is_found(engine: Engine) {
        let mut server = TestServer::start_idle(engine).await;
        let shop = server.app("shop").await;
        let ada = ada(&shop).await;
        let email = json!({ "identifiers": [{ "type": "email", "value": "ada@example.org" }] });
        let request = shop.request_of("erasure", &ada).await;
        for reply in every_call(&shop, &ada).await {
            reply.expect_problem(409, "subject-erasing");
        }
        shop.post("/subjects", &email).await.expect_problem(409, "identifier-taken");
        let path = format!("/requests/{request}/certificate");
        shop.get(&path).await.expect_problem(404, "certificate-not-found");

        server.work().await;
        let shop = shop.at(&server.url);
        shop.completed(&request).await;
        for reply in every_call(&shop, &ada).await {
            reply.expect_problem(404, "subject-not-found");
        }
        assert_eq!(shop.all_pages("/subjects", 100).await, Vec::<Value>::new());
        let anew = shop.post("/subjects", &email).await.expect_status(201).text("/subject");
        assert_ne!(anew, ada);
        let profile = read(&shop, &anew, "profile/main", "delivery").await;
        profile.expect_problem(404, "record-not-found");
        assert_eq!(shop.check(&anew).await.expect_status(200).body["state"], "none");
        let found = shop.lookup("email", "ada@example.org").await.expect_status(200);
        assert_eq!(found.text("/subject"), anew);
    }
}

/// Every kind of call about a person; the lookup by an identifier comes last.
async fn every_call(shop: &Caller, ada: &str) -> Vec<Reply> {
    let record = format!("/subjects/{ada}/records/profile/main");
    let identifier = json!({ "type": "email", "value": "other@example.org" });
    let again = |right: &str| json!({ "right": right, "subject": ada });
    vec![
        shop.get(&format!("/subjects/{ada}")).await,
        shop.put(&record, &json!({ "name": "Ada" })).await,
        shop.patch(&record, &json!({ "name": "Ada" })).await,
        shop.delete(&record).await,
        shop.get(&format!("{record}?purpose=delivery")).await,
        shop.get(&format!("{record}/versions")).await,
        shop.post(&format!("/subjects/{ada}/identifiers"), &identifier).await,
        shop.grant(ada).await,
        shop.withdraw(ada).await,
        shop.check(ada).await,
        shop.get(&format!("/subjects/{ada}/consents")).await,
        shop.get(&format!("/subjects/{ada}/consents/events")).await,
        shop.post("/requests", &again("access")).await,
        shop.post("/requests", &again("erasure")).await,
        shop.post("/requests:preview", &json!({ "subject": ada })).await,
        shop.lookup("email", "ADA@example.org").await,
    ]
}
