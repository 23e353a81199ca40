//! Subjects and the identifiers that find them.

use std::collections::BTreeSet;

use oubli_tests::{Caller, Reply, TestServer, both_engines};
use serde_json::{Value, json};

fn with(identifiers: &[(&str, &str)]) -> Value {
    let list = identifiers.iter().map(|(kind, value)| json!({ "type": kind, "value": value }));
    json!({ "identifiers": list.collect::<Vec<_>>() })
}

async fn create(shop: &Caller, identifiers: &[(&str, &str)]) -> Reply {
    shop.post("/subjects", &with(identifiers)).await
}

async fn ensure(shop: &Caller, identifiers: &[(&str, &str)]) -> Reply {
    shop.post("/subjects:ensure", &with(identifiers)).await
}

/// Fails unless each of these finds the subject.
async fn found_by(shop: &Caller, subject: &str, kind: &str, values: &[&str]) {
    for value in values {
        let found = shop.lookup(kind, value).await.expect_status(200);
        assert_eq!(found.text("/subject"), subject, "{value}");
    }
}

both_engines! {
    async fn a_subject_is_created_and_shown_without_values(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let identifiers = [("email", "ada@example.org"), ("external_id", "customer 7")];
        let created = create(&shop, &identifiers).await.expect_status(201);
        let ada = created.text("/subject");
        let seen = shop.get(&format!("/subjects/{ada}")).await.expect_status(200);
        assert_eq!(seen.body["state"], "active");
        assert_eq!(seen.body["created_at"], created.body["created_at"]);
        let kinds: BTreeSet<&str> = seen.body["identifiers"].as_array().unwrap().iter()
            .map(|identifier| identifier["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, BTreeSet::from(["email", "external_id"]));
        let text = String::from_utf8(seen.bytes).unwrap();
        assert!(!text.contains("ada@") && !text.contains("customer 7"), "{text}");

        let nobody = create(&shop, &[]).await.expect_status(201).text("/subject");
        let seen = shop.get(&format!("/subjects/{nobody}")).await.expect_status(200);
        assert_eq!(seen.body["identifiers"], json!([]));
    }

    async fn an_identifier_belongs_to_one_subject_of_an_app(engine: Engine) {
        let server = TestServer::start(engine).await;
        let (shop, other) = (server.app("shop").await, server.app("other").await);
        let ada = shop.subject("ada@example.org").await;
        let taken = create(&shop, &[("phone", "+33123456789"), ("email", "ADA@example.org")]).await;
        taken.expect_problem(409, "identifier-taken");
        // The refused create left nothing behind.
        create(&shop, &[("phone", "+33123456789")]).await.expect_status(201);
        let elsewhere = other.subject("ada@example.org").await;
        assert_ne!(ada, elsewhere);
        other.get(&format!("/subjects/{ada}")).await.expect_problem(404, "subject-not-found");
        found_by(&other, &elsewhere, "email", &["ada@example.org"]).await;
        // An external id is no e-mail address, whatever it looks like.
        create(&shop, &[("external_id", "ada@example.org")]).await.expect_status(201);
    }

    async fn ensure_finds_completes_or_creates(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let (email, phone) = (("email", "ada@example.org"), ("phone", "01 23 45 67 89"));
        let created = ensure(&shop, &[email]).await.expect_status(201);
        let ada = created.text("/subject");
        let again = ensure(&shop, &[("email", "ADA@example.org")]).await.expect_status(200);
        assert_eq!(again.body, created.body);
        shop.lookup("phone", "+33123456789").await.expect_problem(404, "subject-not-found");
        let completed = ensure(&shop, &[phone, email]).await.expect_status(200);
        assert_eq!(completed.body, created.body);
        found_by(&shop, &ada, "phone", &["+33 1 23 45 67 89"]).await;

        let bob = shop.subject("bob@example.org").await;
        let both = [phone, ("email", "bob@example.org"), ("external_id", "9")];
        ensure(&shop, &both).await.expect_problem(409, "identifiers-disagree");
        shop.lookup("external_id", "9").await.expect_problem(404, "subject-not-found");
        found_by(&shop, &bob, "email", &["bob@example.org"]).await;
        ensure(&shop, &[]).await.expect_problem(422, "invalid-body");
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 2);
    }

    async fn a_lookup_finds_every_spelling(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let typed = [
            ("email", " Jos\u{e9}.Garc\u{ed}a@B\u{fc}cher.Example "),
            ("phone", "01 23 45 67 89"),
            ("external_id", "K\u{f6}ln 7"),
        ];
        let jose = create(&shop, &typed).await.expect_status(201).text("/subject");
        found_by(&shop, &jose, "email", &[
            "jos\u{e9}.garc\u{ed}a@b\u{fc}cher.example",
            "JOS\u{c9}.GARC\u{cd}A@B\u{dc}CHER.EXAMPLE",
            "jose\u{301}.garci\u{301}a@bu\u{308}cher.example",
            "jos\u{e9}.garc\u{ed}a@xn--bcher-kva.example",
        ]).await;
        found_by(&shop, &jose, "phone", &[
            "+33123456789", "+33 (0)1 23 45 67 89", "0033 1 23 45 67 89", "01.23.45.67.89",
            "01-23-45-67-89",
        ]).await;
        found_by(&shop, &jose, "external_id", &["K\u{f6}ln 7", "Ko\u{308}ln 7", " K\u{f6}ln 7 "]).await;
        shop.lookup("external_id", "k\u{f6}ln 7").await.expect_problem(404, "subject-not-found");
        let plain = shop.lookup("email", "jose.garcia@b\u{fc}cher.example").await;
        plain.expect_problem(404, "subject-not-found");
        for (kind, value) in [
            ("email", "no address"), ("email", "two@@example.org"), ("phone", "12"),
            ("phone", "call me"), ("external_id", " "), ("email", ""),
        ] {
            shop.lookup(kind, value).await.expect_problem(422, "invalid-identifier");
            let refused = create(&shop, &[("external_id", "good"), (kind, value)]).await;
            refused.expect_problem(422, "invalid-identifier");
            assert_eq!(refused.text("/errors/0/pointer"), "/identifiers/1/value");
        }
        shop.lookup("external_id", "good").await.expect_problem(404, "subject-not-found");
    }

    async fn a_list_shows_each_subject_once_in_order(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let mut created = Vec::new();
        for n in 0..23 {
            created.push(shop.subject(&format!("person-{n}@example.org")).await);
        }
        for limit in [1, 5, 22, 23, 24] {
            let listed = shop.all_pages("/subjects", limit).await;
            let times: Vec<String> =
                listed.iter().map(|item| item["created_at"].to_string()).collect();
            assert!(times.is_sorted(), "oldest first");
            let listed: Vec<&str> =
                listed.iter().map(|item| item["subject"].as_str().unwrap()).collect();
            assert_eq!(listed.len(), created.len(), "pages of {limit}");
            let (one, two): (BTreeSet<&str>, BTreeSet<&str>) =
                (listed.into_iter().collect(), created.iter().map(String::as_str).collect());
            assert_eq!(one, two);
        }
        shop.get("/subjects?limit=0").await.expect_problem(400, "invalid-query");
        shop.get("/subjects?limit=1001").await.expect_problem(400, "invalid-query");
        shop.get("/subjects?cursor=AAAA").await.expect_problem(400, "invalid-cursor");
    }

    async fn identifiers_come_go_and_are_used_anew(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let (ada, bob) = (shop.subject("ada@example.org").await, shop.subject("b@example.org").await);
        let adas = format!("/subjects/{ada}/identifiers");
        let work = json!({ "type": "email", "value": "ada@work.example" });
        let added = shop.post(&adas, &work).await.expect_status(201);
        assert_eq!(added.body["type"], "email");
        found_by(&shop, &ada, "email", &["ada@example.org", "ada@work.example"]).await;
        shop.post(&adas, &work).await.expect_problem(409, "identifier-taken");
        let bobs = format!("/subjects/{bob}/identifiers");
        shop.post(&bobs, &work).await.expect_problem(409, "identifier-taken");
        let wrong = json!({ "type": "email", "value": "nothing" });
        shop.post(&adas, &wrong).await.expect_problem(422, "invalid-identifier");

        let id = added.text("/identifier");
        shop.delete(&format!("{bobs}/{id}")).await.expect_problem(404, "identifier-not-found");
        shop.delete(&format!("{adas}/{id}")).await.expect_status(204);
        shop.delete(&format!("{adas}/{id}")).await.expect_problem(404, "identifier-not-found");
        shop.lookup("email", "ada@work.example").await.expect_problem(404, "subject-not-found");
        shop.post(&bobs, &work).await.expect_status(201);
        found_by(&shop, &bob, "email", &["ada@work.example"]).await;
        let seen = shop.get(&format!("/subjects/{ada}")).await.expect_status(200);
        assert_eq!(seen.body["identifiers"].as_array().unwrap().len(), 1);

        // The last one may go too: the id still finds the person, and what is stored stays.
        let last = seen.text("/identifiers/0/identifier");
        shop.delete(&format!("{adas}/{last}")).await.expect_status(204);
        shop.get(&format!("/subjects/{ada}")).await.expect_status(200);
        let anew = shop.subject("ada@example.org").await;
        assert_ne!(anew, ada);
    }
}
