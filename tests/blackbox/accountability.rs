//! What an app can show of itself: what its data map says, in the forms that the law asks for.

use oubli_tests::{Caller, Reply, TestServer, both_engines, data_map, merge};
use reqwest::Method;
use serde_json::json;

async fn as_media(caller: &Caller, path: &str, media: &str) -> Reply {
    Reply::of(caller.request(Method::GET, path).header("accept", media)).await
}

both_engines! {
    async fn two_data_maps_are_compared_with_what_is_stored(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let subject = shop.subject("ada@people.example").await;
        let path = format!("/subjects/{subject}/records/profile/main");
        shop.put(&path, &json!({ "name": "Ada", "city": "Paris" })).await.expect_status(201);
        let over = json!({
            "categories": { "profile": { "fields": { "phone": null } } },
            "purposes": { "newsletter": { "reads": { "profile": ["name", "email", "city"] } } },
        });
        let second = shop.put("/data-map", &merge(data_map(), &over)).await.expect_status(201);
        let to = second.body["version"].as_i64().unwrap();
        let found = shop.get("/data-map/diff").await.expect_status(200);
        assert_eq!((found.body["from"].as_i64(), found.body["to"].as_i64()), (Some(to - 1), Some(to)));
        let changes = found.body["changes"].as_array().unwrap();
        let removed = changes.iter().find(|c| c["part"] == "field").unwrap();
        assert_eq!(removed["pointer"], "/categories/profile/fields/phone");
        assert_eq!(removed["meanings"][0]["code"], "stays-stored-unread");
        assert_eq!(removed["meanings"][0]["count"], 0);
        let read = changes.iter().find(|c| c["part"] == "read" && c["to"] == "city").unwrap();
        assert_eq!(read["meanings"][0]["code"], "reads-earlier-values");
        assert_eq!(read["meanings"][0]["count"], 1);
        let wrong = shop.get("/data-map/diff?from=7&to=9").await;
        wrong.expect_problem(404, "data-map-not-found");
        for query in ["from=x", "to=", "version=1", "from=99999999999999999999"] {
            let refused = shop.get(&format!("/data-map/diff?{query}")).await;
            refused.expect_problem(400, "invalid-query");
        }
    }

    async fn the_register_is_json_and_csv(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let over = json!({
            "app": { "controller": { "name": "=HYPERLINK(\"https://evil.example\")" } },
            "purposes": { "delivery": { "title": "Delivery, \"fast\"" } },
        });
        shop.put("/data-map", &merge(data_map(), &over)).await.expect_status(201);
        let register = shop.get("/register").await.expect_status(200);
        let activities = register.body["activities"].as_array().unwrap();
        assert_eq!(activities.len(), 3);
        assert_eq!(activities[0]["data"][0]["kept_for"], "P10Y");
        assert_eq!(activities[0]["subject_kinds"], json!(["customers"]));
        let missing = register.body["missing"].as_array().unwrap();
        assert!(missing.iter().any(|m| m["letter"] == "30(2)(a)"));
        let csv = as_media(&shop, "/register", "text/csv").await.expect_status(200);
        assert!(csv.header("content-type").unwrap().starts_with("text/csv"));
        let text = String::from_utf8(csv.bytes).unwrap();
        assert!(text.starts_with("record_of,controller (a),"));
        assert_eq!(text.lines().count(), 5);
        assert!(text.contains("\"Delivery, \"\"fast\"\"\""));
        assert!(text.contains("\"'=HYPERLINK") && !text.contains("\"=HYPERLINK"), "{text}");
    }

    async fn the_privacy_notice_is_written_in_each_language(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        for (language, title) in [
            ("en", "How we process your personal data"),
            ("fr", "Comment nous traitons vos données personnelles"),
            ("de", "Wie wir Ihre personenbezogenen Daten verarbeiten"),
        ] {
            let path = format!("/privacy-notice?language={language}");
            let notice = shop.get(&path).await.expect_status(200);
            assert_eq!(notice.text("/title"), title);
            assert_eq!(notice.text("/language"), language);
            let markdown = as_media(&shop, &path, "text/markdown").await.expect_status(200);
            assert_eq!(markdown.header("content-type"), Some("text/markdown; charset=utf-8"));
            let text = String::from_utf8(markdown.bytes).unwrap();
            assert!(text.starts_with(&format!("# {title}\n")));
            assert!(text.contains("privacy@shop.example"));
        }
        for language in ["es", "EN", "en-GB", ""] {
            let refused = shop.get(&format!("/privacy-notice?language={language}")).await;
            refused.expect_problem(404, "language-not-found");
            assert_eq!(refused.text("/detail"), "The languages are de, en, fr.");
        }
        shop.get("/privacy-notice").await.expect_problem(400, "invalid-query");
    }
}
