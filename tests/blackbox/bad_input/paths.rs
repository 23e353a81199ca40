//! Paths, queries and methods.

use std::collections::{BTreeMap, BTreeSet};

use oubli_tests::{Operation, Reply, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

use super::world::{MARK, World, expect_unmarked};

/// Whether an operation has a query parameter.
fn takes(operation: &Operation, name: &str) -> bool {
    let parameters = operation.told["parameters"].as_array().into_iter().flatten();
    parameters.clone().any(|p| p["in"] == "query" && p["name"] == name)
}

/// Makes in `market` one of each thing that has an id.
async fn foreign_ids(world: &World) -> BTreeMap<&'static str, String> {
    let market = &world.market;
    let subject = market.subject("zq7marker@example.org").await;
    let found = market.get(&format!("/subjects/{subject}")).await.expect_status(200);
    let access = json!({ "subject": subject, "right": "access" });
    let request = market.post("/requests", &access).await.expect_status(202).text("/request");
    let done = market.completed(&request).await;
    let clients = market.get("/clients").await.expect_status(200);
    BTreeMap::from([
        ("identifier", found.text("/identifiers/0/identifier")),
        ("subject", subject),
        ("export", done.text("/export/export")),
        ("client", clients.text("/items/0/client_id")),
        ("request", request),
    ])
}

async fn call(
    world: &World,
    operation: &Operation,
    ids: &BTreeMap<&str, String>,
    body: &Value,
) -> Reply {
    let path = operation.path_with(ids);
    let request = world.caller_of(operation).request(operation.method.clone(), &path);
    Reply::of(match operation.body_type() {
        Some(media) => request.header("content-type", media).body(body.to_string()),
        None => request,
    })
    .await
}

/// A body that an operation takes, for those that have something of another app in their path.
fn good_body(operation: &Operation) -> Value {
    match operation.path.rsplit('/').next().unwrap() {
        "consents" => json!({ "purpose": "newsletter", "action": "withdrawn" }),
        "contacts" | "secret" => json!({}),
        "identifiers" => json!({ "type": "external_id", "value": MARK }),
        _ => json!({ "name": MARK }),
    }
}

both_engines! {
    async fn ids_of_another_app_are_as_if_they_never_were(engine: Engine) {
        let world = World::new(engine).await;
        let foreign = foreign_ids(&world).await;
        let before = world.all().await;
        let mut count = 0;
        for operation in world.document.operations() {
            let theirs = foreign.keys().any(|name| operation.path.contains(&format!("{{{name}}}")));
            if !theirs {
                continue;
            }
            count += 1;
            let body = good_body(&operation);
            let found = call(&world, &operation, &foreign, &body).await;
            let never = call(&world, &operation, &BTreeMap::new(), &body).await;
            assert_eq!(
                (found.status, &found.bytes),
                (never.status, &never.bytes),
                "{}",
                operation.name()
            );
            assert_eq!(found.status, 404, "{}: {}", operation.name(), found.body);
            expect_unmarked(&found);
        }
        assert!(count >= 15, "only {count} operations take an id");
        let subject = &foreign["subject"];
        let never = format!("sub_{}", "0".repeat(32));
        for path in ["/subjects:lookup", "/requests:preview", "/consents:check", "/requests"] {
            let body = |id: &str| match path {
                "/consents:check" => json!({ "subject": id, "purpose": "delivery" }),
                "/requests" => json!({ "subject": id, "right": "erasure" }),
                _ => json!({ "subject": id }),
            };
            let found = world
                .refused_json((Method::POST, path), &body(subject), 404, "subject-not-found")
                .await;
            let never = world
                .refused_json((Method::POST, path), &body(&never), 404, "subject-not-found")
                .await;
            assert_eq!(found.bytes, never.bytes, "{path}");
        }
        let listed =
            world.shop.get(&format!("/requests?subject={subject}")).await.expect_status(200);
        assert_eq!(listed.body["items"], json!([]));
        assert_eq!(world.all().await, before);
        world.market.get(&format!("/subjects/{subject}")).await.expect_status(200);
    }

    async fn malformed_ids(engine: Engine) {
        let world = World::new(engine).await;
        let long = "a".repeat(65);
        for operation in world.document.operations() {
            for name in [
                "subject",
                "identifier",
                "request",
                "category",
                "record",
                "notice",
                "purpose",
                "version",
                "client",
            ] {
                if !operation.path.contains(&format!("{{{name}}}")) {
                    continue;
                }
                for bad in [
                    "zq7marker.",
                    "ZQ7marker%20",
                    "sub_ZQ7",
                    "%C3%A9",
                    "-%27%22%3B--",
                    "%F0%9F%A6%80",
                    &long,
                ] {
                    if name == "record" && bad == "sub_ZQ7" {
                        continue;
                    }
                    let ids = BTreeMap::from([(name, bad.to_owned())]);
                    let reply = call(&world, &operation, &ids, &good_body(&operation)).await;
                    expect_unmarked(&reply);
                    reply.expect_problem(422, "invalid-id");
                }
            }
        }
        for app in ["ZQ7", "zq7marker.", "%20", "%00", "a%2Fb"] {
            let reply = world.shop.get(&format!("/v1/apps/{app}/subjects")).await;
            assert_eq!(reply.status, 404, "{app}: {}", reply.body);
            expect_unmarked(&reply);
        }
    }

    async fn lists_take_cursors_and_limits_of_their_own(engine: Engine) {
        let world = World::new(engine).await;
        let mut lists = 0;
        for operation in world.document.operations() {
            if !takes(&operation, "limit") {
                continue;
            }
            lists += 1;
            let caller = world.caller_of(&operation);
            let path = operation.path_with(&world.values());
            let get = |query: &str| caller.request(Method::GET, &format!("{path}?{query}"));
            for limit in ["0", "1001", "-1", "zq7marker", "1.5", "99999999999", ""] {
                world.refused(get(&format!("limit={limit}")), 400, "invalid-query").await;
            }
            world.refused(get("zq7marker=1"), 400, "invalid-query").await;
            world.refused(get("limit=1&limit=2"), 400, "invalid-query").await;
            let (name, slug) = if takes(&operation, "cursor") {
                ("cursor", "invalid-cursor")
            } else {
                ("after", "invalid-query")
            };
            // The second is base64url of "zq7 marker".
            for cursor in ["zq7marker.", "enE3IG1hcmtlcg", "%00", "AAAA", "é"] {
                world.refused(get(&format!("{name}={cursor}")), 400, slug).await;
            }
            Reply::of(get("limit=1000")).await.expect_status(200);
        }
        assert!(lists >= 8, "only {lists} lists");
    }

    async fn queries_of_single_things(engine: Engine) {
        let world = World::new(engine).await;
        for (path, status, slug) in [
            ("/records/profile/main", 400, "invalid-query"),
            ("/records/profile/main?purpose=ZQ7marker", 400, "invalid-query"),
            ("/records/profile/main?purpose=", 400, "invalid-query"),
            ("/records/profile/main?purpose=delivery&zq7marker=1", 400, "invalid-query"),
            ("/records/profile/main?purpose=delivery&purpose=delivery", 400, "invalid-query"),
            ("/records/profile/main?purpose=absent", 422, "unknown-purpose"),
            ("/records/absent/main?purpose=delivery", 422, "unknown-category"),
            ("/records/profile/absent?purpose=delivery", 404, "record-not-found"),
            ("/consents?zq7marker=1", 400, "invalid-query"),
        ] {
            let get = world.shop.request(Method::GET, &world.of_ada(path));
            world.refused(get, status, slug).await;
        }
        let requests = world.shop.request(Method::GET, "/requests?subject=zq7marker");
        world.refused(requests, 400, "invalid-query").await;
    }

    async fn unknown_paths_and_methods(engine: Engine) {
        let world = World::new(engine).await;
        let operations = world.document.operations();
        let paths: BTreeSet<&str> = operations.iter().map(|o| o.path.as_str()).collect();
        for path in paths {
            let of_path: Vec<&Operation> = operations.iter().filter(|o| o.path == path).collect();
            let known: BTreeSet<&str> = of_path.iter().map(|o| o.method.as_str()).collect();
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "ZQ7MARKER"]
            {
                if known.contains(method) {
                    continue;
                }
                let url = of_path[0].path_with(&world.values());
                let request = world.server.anonymous().request(method.parse().unwrap(), &url);
                let reply = world.refused(request, 405, "method-not-allowed").await;
                let allowed: BTreeSet<&str> = reply.header("allow").unwrap().split(", ").collect();
                assert_eq!(allowed, known, "{method} {path}");
            }
        }
        for path in [
            "/v1/zq7marker",
            "/v1/apps/shop/zq7marker",
            "/v1/apps/",
            "/v1",
            "/v1/apps/shop/subjects/",
            "/v1/apps/shop/subjects:zq7marker",
            "/v1//apps",
            "/v1/apps/shop/../../../etc/zq7marker",
            "/v1/apps/shop/subjects/a/b/c/d/zq7marker",
            "/v1/%2e%2e/zq7marker",
            "/v1/zq7marker%ff",
            "/v1/apps%2Fshop",
            "/openapi.yaml",
            "/health",
            "/v1?zq7marker=1",
        ] {
            let request = world.shop.request(Method::GET, path);
            world.refused(request, 404, "no-such-path").await;
        }
    }

    async fn a_head_that_is_too_long(engine: Engine) {
        let world = World::new(engine).await;
        let long = MARK.repeat((1 << 20) / MARK.len());
        let header = world.shop.request(Method::GET, "/subjects").header("x-long", &long);
        let path = world.shop.request(Method::GET, &format!("/subjects?{long}"));
        for request in [header, path] {
            // The service may hang up before it has read all of it.
            if let Ok(answer) = request.send().await {
                assert!(answer.status().is_client_error(), "{}", answer.status());
                assert!(!answer.text().await.unwrap_or_default().contains(MARK));
            }
        }
        // Over a connection of its own: the others may be closed.
        let caller = world.server.anonymous().with_token(world.shop.token());
        caller.get("/v1/apps/shop/subjects").await.expect_status(200);
    }
}
