//! Batches: refused as a whole when they are too long or empty, else item by item.

use oubli_tests::both_engines;
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{MARK, World, expect_unmarked};

fn of(items: impl Into<Value>) -> Value {
    json!({ "items": items.into() })
}

/// Status and problem of each item.
fn results(reply: &Value) -> Vec<(u64, &str)> {
    let items = reply["items"].as_array().unwrap().iter();
    items
        .map(|i| (i["status"].as_u64().unwrap(), i["problem"].as_str().unwrap_or_default()))
        .collect()
}

both_engines! {
    async fn of_no_or_too_many_items_or_with_a_misshapen_one_do_nothing(engine: Engine) {
        let world = World::new(engine).await;
        let before = world.all().await;
        let ada = &world.ada;
        let record = |n: usize| {
            let (id, body) = (format!("r{n}"), json!({ "name": MARK }));
            json!({ "subject": ada, "category": "profile", "record": id, "body": body })
        };
        let withdraw =
            |_: usize| json!({ "subject": ada, "purpose": "newsletter", "action": "withdrawn" });
        let check = |_: usize| json!({ "subject": ada, "purpose": "delivery" });
        let batches: [(&str, &dyn Fn(usize) -> Value); 3] = [
            ("/records:batch", &record),
            ("/consents:batch", &withdraw),
            ("/consents:check-batch", &check),
        ];
        for (path, item) in batches {
            let misshapen = [
                json!(MARK),
                json!({}),
                json!({ MARK: 1 }),
                oubli_tests::merge(item(0), &json!({ "subject": MARK })),
                oubli_tests::merge(item(0), &json!({ "subject": null })),
                oubli_tests::merge(item(0), &json!({ MARK: MARK })),
            ];
            for bad in misshapen {
                let reply = world
                    .refused_json(
                        (Method::POST, path),
                        &of(vec![item(0), bad]),
                        422,
                        "invalid-body",
                    )
                    .await;
                let place = reply.text("/errors/0/pointer");
                assert!(place.starts_with("/items/1"), "{path}: {}", reply.body);
            }
            for items in [vec![], (0..1_001).map(item).collect()] {
                let reply =
                    world.refused_json((Method::POST, path), &of(items), 422, "invalid-body").await;
                assert_eq!(reply.text("/errors/0/pointer"), "/items");
            }
        }
        let twice = of(vec![record(0), record(1), record(0)]);
        let reply =
            world.refused_json((Method::POST, "/records:batch"), &twice, 422, "invalid-body").await;
        assert_eq!(reply.text("/errors/0/pointer"), "/items/2");
        assert_eq!(world.all().await, before);
    }

    async fn of_good_and_bad_items_do_the_good_ones(engine: Engine) {
        let world = World::new(engine).await;
        let foreign = world.market.subject("zq7marker@example.org").await;
        let by = |subject: &str, category: &str, id: &str, body: Value| json!({ "subject": subject, "category": category, "record": id, "body": body });
        let wrong = json!({
            "identifier": { "type": "email", "value": MARK },
            "category": "profile", "record": "f", "body": {},
        });
        let stale = oubli_tests::merge(
            by(&world.ada, "profile", "main", json!({ "name": MARK })),
            &json!({ "if_version": 9 }),
        );
        let batch = of(vec![
            by(&world.ada, "profile", "a", json!({ "name": "Ada" })),
            by(&world.ada, "absent", "b", json!({ "name": MARK })),
            by(&world.ada, "profile", "c", json!({ "name": 7, "city": MARK })),
            by(&world.ada, "profile", "d", json!({ MARK: MARK })),
            by(&foreign, "profile", "e", json!({ "name": MARK })),
            wrong,
            stale,
            by(&world.ada, "profile", "g", json!({ "name": "Ada" })),
        ]);
        let reply = world.shop.post("/records:batch", &batch).await.expect_status(200);
        expect_unmarked(&reply);
        assert_eq!(
            results(&reply.body),
            [
                (201, ""),
                (422, "/problems/unknown-category"),
                (422, "/problems/invalid-record"),
                (422, "/problems/invalid-record"),
                (404, "/problems/subject-not-found"),
                (422, "/problems/invalid-identifier"),
                (412, "/problems/version-mismatch"),
                (201, ""),
            ]
        );
        assert_eq!(reply.body["items"][2]["pointers"], json!(["/name"]));
        for (id, status) in [("a", 200), ("c", 404), ("d", 404), ("e", 404), ("f", 404), ("g", 200)]
        {
            let path = world.of_ada(&format!("/records/profile/{id}?purpose=delivery"));
            world.shop.get(&path).await.expect_status(status);
        }
        let main = world.of_ada("/records/profile/main?purpose=delivery");
        assert_eq!(world.shop.get(&main).await.body["body"]["name"], "Ada");
    }

    async fn of_consents_and_checks_tell_each_item_apart(engine: Engine) {
        let world = World::new(engine).await;
        let foreign = world.market.subject("zq7marker@example.org").await;
        let event = |subject: &str, purpose: &str, version: u32| {
            json!({
                "subject": subject, "purpose": purpose, "action": "granted",
                "notice_version": version, "language": "en",
            })
        };
        let events = of(vec![
            event(&world.ada, "absent", 1),
            event(&world.ada, "newsletter", 9),
            event(&foreign, "newsletter", 1),
            event(&world.ada, "newsletter", 1),
        ]);
        let reply = world.shop.post("/consents:batch", &events).await.expect_status(200);
        assert_eq!(
            results(&reply.body),
            [
                (422, "/problems/unknown-purpose"),
                (422, "/problems/invalid-consent"),
                (404, "/problems/subject-not-found"),
                (201, ""),
            ]
        );
        let history = world.shop.get(&world.of_ada("/consents/events")).await.expect_status(200);
        assert_eq!(history.body["items"].as_array().unwrap().len(), 1);

        let check =
            |subject: &str, purpose: &str| json!({ "subject": subject, "purpose": purpose });
        let unknown = json!({ "type": "email", "value": "zq7marker@example.com" });
        let unknown = json!({ "identifier": unknown, "purpose": "delivery" });
        let wrong =
            json!({ "identifier": { "type": "email", "value": MARK }, "purpose": "delivery" });
        let checks = of(vec![
            check(&world.ada, "newsletter"),
            check(&world.ada, "absent"),
            check(&foreign, "newsletter"),
            unknown,
            wrong,
        ]);
        let reply = world.shop.post("/consents:check-batch", &checks).await.expect_status(200);
        expect_unmarked(&reply);
        assert_eq!(
            results(&reply.body),
            [
                (200, ""),
                (422, "/problems/unknown-purpose"),
                (404, "/problems/subject-not-found"),
                (404, "/problems/subject-not-found"),
                (422, "/problems/invalid-identifier"),
            ]
        );
        assert_eq!(reply.body["items"][0]["permitted"], true);
    }
}
