//! Conditions of a write and keys of repeats.

use oubli_tests::{Reply, both_engines};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::json;

use super::world::{MARK, World};

both_engines! {
    async fn conditions_that_do_not_hold_change_nothing(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let record = world.of_ada("/records/profile/main");
        let put = |path: &str| world.shop.request(Method::PUT, path).json(&json!({ "name": MARK }));
        let patch = || {
            let media = "application/merge-patch+json";
            let patch = world.shop.request(Method::PATCH, &record).header("content-type", media);
            patch.body(json!({ "name": MARK }).to_string())
        };
        for tag in [
            "\"2\"",
            "\"0\"",
            "1",
            "W/\"1\"",
            "\"-1\"",
            "\"zq7marker\"",
            "zq7marker",
            "\"1\", \"2\"",
        ] {
            world.refused(put(&record).header("if-match", tag), 412, "version-mismatch").await;
            world.refused(patch().header("if-match", tag), 412, "version-mismatch").await;
            let delete = world.shop.request(Method::DELETE, &record).header("if-match", tag);
            world.refused(delete, 412, "version-mismatch").await;
        }
        let none_there = put(&record).header("if-none-match", "*");
        world.refused(none_there, 412, "version-mismatch").await;
        let absent = world.of_ada("/records/profile/absent");
        for tag in ["*", "\"1\""] {
            world.refused(put(&absent).header("if-match", tag), 412, "version-mismatch").await;
        }
        let both = put(&record).header("if-match", "\"1\"").header("if-none-match", "*");
        world.refused(both, 400, "invalid-query").await;
        world.refused(put(&record).header("if-none-match", "\"1\""), 400, "invalid-query").await;
        assert_eq!(world.all().await, before);
        Reply::of(put(&record).header("if-match", "\"1\"")).await.expect_status(200);
    }

    async fn a_key_stands_for_one_call(engine: Engine) {
        let world = World::new(engine).await;
        let body = json!({ "identifiers": [{ "type": "external_id", "value": MARK }] });
        let create = |key: &str| {
            world.shop.request(Method::POST, "/subjects").header("idempotency-key", key).json(&body)
        };
        let first = Reply::of(create("one")).await.expect_status(201);
        let again = Reply::of(create("one")).await.expect_status(201);
        assert_eq!(again.body, first.body);
        let before = world.all().await;

        let other = json!({ "identifiers": [{ "type": "external_id", "value": "zq7marker-2" }] });
        let other = world.shop.request(Method::POST, "/subjects").json(&other);
        world.refused(other.header("idempotency-key", "one"), 422, "idempotency-key-reused").await;
        let ensure = world.shop.request(Method::POST, "/subjects:ensure").json(&body);
        world.refused(ensure.header("idempotency-key", "one"), 422, "idempotency-key-reused").await;
        let record = world.of_ada("/records/profile/new");
        let put = world.shop.request(Method::PUT, &record).json(&json!({ "name": MARK }));
        world.refused(put.header("idempotency-key", "one"), 422, "idempotency-key-reused").await;

        let long = "k".repeat(256);
        for key in ["", " ", "a b", "a\tb", &long] {
            world.refused(create(key), 400, "invalid-idempotency-key").await;
        }
        let create = || world.shop.request(Method::POST, "/subjects").json(&body);
        let not_ascii = HeaderValue::from_bytes("zq7märker".as_bytes()).unwrap();
        let not_ascii = create().header("idempotency-key", not_ascii);
        world.refused(not_ascii, 400, "invalid-idempotency-key").await;
        let twice = create().header("idempotency-key", "a").header("idempotency-key", "a");
        world.refused(twice, 400, "invalid-idempotency-key").await;
        assert_eq!(world.all().await, before);
    }

    async fn a_refused_call_leaves_its_key_free(engine: Engine) {
        let world = World::new(engine).await;
        let record = world.of_ada("/records/profile/new");
        let put = |name: serde_json::Value| {
            let put = world.shop.request(Method::PUT, &record).header("idempotency-key", "free");
            put.json(&json!({ "name": name }))
        };
        world.refused(put(json!(7)), 422, "invalid-record").await;
        Reply::of(put(json!("Ada"))).await.expect_status(201);
    }
}
