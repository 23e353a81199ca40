//! The main job: data in, consent decides, export out, erasure leaves a certificate.

use oubli_tests::{Engine, TestServer, both_engines};
use serde_json::json;

both_engines! {
    async fn consent_decides_who_may_read(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let record = format!("/subjects/{ada}/records/profile/main");
        let profile = json!({ "name": "Ada", "email": "ada@example.org", "city": "London" });
        let put = shop.put(&record, &profile).await.expect_status(201);
        assert_eq!(put.header("etag"), Some("\"1\""));

        let read = format!("{record}?purpose=newsletter");
        shop.get(&read).await.expect_problem(403, "purpose-not-permitted");

        let grant = json!({
            "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
        });
        let consents = format!("/subjects/{ada}/consents");
        shop.post(&consents, &grant).await.expect_status(201);
        let seen = shop.get(&read).await.expect_status(200);
        assert_eq!(seen.body["body"], json!({ "name": "Ada", "email": "ada@example.org" }));

        let withdraw = json!({ "purpose": "newsletter", "action": "withdrawn" });
        shop.post(&consents, &withdraw).await.expect_status(201);
        shop.get(&read).await.expect_problem(403, "purpose-not-permitted");
    }
}
