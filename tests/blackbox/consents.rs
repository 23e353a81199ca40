//! Data maps, notices, purposes and consents as callers meet them.

use oubli_tests::{Caller, TestServer, both_engines, data_map, merge};
use serde_json::{Value, json};

fn grant() -> Value {
    json!({"purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en"})
}

async fn check(shop: &Caller, ada: &str) -> Value {
    let question = json!({"subject": ada, "purpose": "newsletter"});
    shop.post("/consents:check", &question).await.expect_status(200).body
}

both_engines! {
    async fn a_data_map_has_versions_and_keeps_stored_types(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let same = shop.put("/data-map", &data_map()).await.expect_status(200);
        assert_eq!(same.body["version"], 1);
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        shop.put(&record, &json!({"name": "Ada"})).await.expect_status(201);

        let typed = |kind: &str| {
            let over = json!({"schema": {"type": kind, "maxLength": null}});
            merge(data_map(), &json!({"categories": {"profile": {"fields": {"name": over}}}}))
        };
        let refused = shop.put("/data-map", &typed("boolean")).await;
        refused.expect_problem(409, "stored-field-type");
        assert_eq!(refused.text("/errors/0/detail"), "1 record holds it with another type");
        let other = merge(data_map(), &json!({"purposes": {"accounts": {"title": "Books"}}}));
        assert_eq!(shop.put("/data-map", &other).await.expect_status(201).body["version"], 2);

        let first = shop.get("/data-map/versions/1").await.expect_status(200);
        assert_eq!(first.body["document"], data_map());
        assert_eq!(shop.get("/data-map").await.expect_status(200).body["version"], 2);
        let page = shop.get("/data-map/versions?limit=1").await.expect_status(200);
        let next = format!("/data-map/versions?limit=1&cursor={}", page.text("/next"));
        assert_eq!(shop.get(&next).await.expect_status(200).body["items"][0]["version"], 2);
        shop.get("/data-map/versions/3").await.expect_problem(404, "data-map-not-found");
        let schema = server.anonymous().get("/v1/schemas/data-map").await.expect_status(200);
        assert!(schema.body.is_object());
        let wrong = merge(data_map(), &json!({"purposes": {"accounts": {"reads": {"x": ["*"]}}}}));
        shop.put("/data-map", &wrong).await.expect_problem(422, "invalid-data-map");
    }

    async fn notices_and_purposes_are_read_back(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let texts = json!({"texts": {"en": "News", "fr": "Nouvelles"}, "requires_renewal": true});
        let put = shop.put("/notices/newsletter", &texts).await.expect_status(201);
        assert_eq!(put.body["version"], 2);
        shop.put("/notices/newsletter", &texts).await.expect_status(200);
        let newest = shop.get("/notices/newsletter").await.expect_status(200);
        assert_eq!((&newest.body["texts"], &newest.body["version"]), (&texts["texts"], &json!(2)));
        let first = shop.get("/notices/newsletter/versions/1").await.expect_status(200);
        assert_eq!(first.body["requires_renewal"], false);
        shop.get("/notices/nothing").await.expect_problem(404, "notice-not-found");
        let page = shop.get("/notices?limit=1").await.expect_status(200);
        let next = format!("/notices?limit=1&cursor={}", page.text("/next"));
        assert_eq!(shop.get(&next).await.expect_status(200).body["items"][0]["version"], 2);
        shop.get("/notices?cursor=AAAA").await.expect_problem(400, "invalid-cursor");
        let bad = json!({"texts": {"not a tag": "x"}});
        shop.put("/notices/newsletter", &bad).await.expect_problem(422, "invalid-body");

        let purpose = shop.get("/purposes/newsletter").await.expect_status(200);
        assert_eq!(purpose.body["notice"], json!({"name": "newsletter", "version": 2}));
        let all = shop.get("/purposes").await.expect_status(200);
        assert_eq!(all.body["items"].as_array().unwrap().len(), 3);
        shop.get("/purposes/nothing").await.expect_problem(404, "purpose-not-found");
    }

    async fn consents_have_a_state_a_history_and_a_past(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let consents = format!("/subjects/{ada}/consents");
        let sent = merge(grant(), &json!({"id": "web-1"}));
        let first = shop.post(&consents, &sent).await.expect_status(201);
        let again = shop.post(&consents, &sent).await.expect_status(200);
        assert_eq!(again.body, first.body);
        assert_eq!(check(&shop, &ada).await["permitted"], true);
        let withdraw = json!({"purpose": "newsletter", "action": "withdrawn"});
        shop.post(&consents, &withdraw).await.expect_status(201);
        assert_eq!(check(&shop, &ada).await["reason"], "consent-withdrawn");

        let now = shop.get(&consents).await.expect_status(200);
        assert_eq!(now.body["items"][0]["state"], "withdrawn");
        let at = first.text("/occurred_at");
        let then = shop.get(&format!("{consents}?at={at}")).await.expect_status(200);
        assert_eq!(then.body["items"][0]["state"], "granted");
        let page = shop.get(&format!("{consents}/events?limit=1")).await.expect_status(200);
        assert_eq!(page.body["items"][0]["event"], first.body["event"]);
        let next = format!("{consents}/events?limit=1&cursor={}", page.text("/next"));
        assert_eq!(shop.get(&next).await.expect_status(200).body["items"][0]["action"], "withdrawn");

        for (query, slug) in [
            ("at=2099-01-01T00:00:00Z", "future-time"),
            ("known_at=2101-01-01T00:00:00Z", "invalid-time"),
        ] {
            shop.get(&format!("{consents}?{query}")).await.expect_problem(422, slug);
        }
        let unknown = merge(grant(), &json!({"notice_version": 9}));
        shop.post(&consents, &unknown).await.expect_problem(422, "invalid-consent");
        let purpose = merge(grant(), &json!({"purpose": "nothing"}));
        shop.post(&consents, &purpose).await.expect_problem(422, "unknown-purpose");
        let id = merge(grant(), &json!({"id": "a b"}));
        shop.post(&consents, &id).await.expect_problem(422, "invalid-id");
    }

    async fn batches_have_a_result_for_each_item(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let by_email = |address: &str| json!({"identifier": {"type": "email", "value": address}});
        let items = json!({"items": [
            merge(grant(), &json!({"subject": ada})),
            merge(grant(), &by_email("nobody@example.org")),
            merge(merge(grant(), &by_email("ADA@example.org")), &json!({"language": "fr"})),
        ]});
        let recorded = shop.post("/consents:batch", &items).await.expect_status(200);
        let told = |reply: &Value| -> Vec<Value> {
            reply["items"].as_array().unwrap().iter().map(|item| item["status"].clone()).collect()
        };
        assert_eq!(told(&recorded.body), [201, 404, 422]);

        let newsletter = json!({"purpose": "newsletter"});
        let questions = json!({"items": [
            merge(newsletter.clone(), &by_email(" Ada@Example.org")),
            merge(newsletter.clone(), &by_email("nobody@example.org")),
            {"subject": ada, "purpose": "delivery"},
            {"subject": ada, "purpose": "nothing"},
        ]});
        let answers = shop.post("/consents:check-batch", &questions).await.expect_status(200);
        assert_eq!(told(&answers.body), [200, 404, 200, 422]);
        assert_eq!(answers.body["items"][0]["permitted"], true);
        assert_eq!(answers.body["items"][1]["problem"], "/problems/subject-not-found");
        let both = merge(newsletter, &merge(by_email("a@b.example"), &json!({"subject": ada})));
        let wrong = shop.post("/consents:check-batch", &json!({"items": [both]})).await;
        wrong.expect_problem(422, "invalid-body");
        assert_eq!(wrong.text("/errors/0/pointer"), "/items/0");
    }
}
