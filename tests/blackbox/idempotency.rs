//! Calls that are repeated under one `Idempotency-Key`.

use futures_util::future::join_all;
use oubli_domain::scope::Role;
use oubli_tests::{Caller, Reply, TestServer, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

/// Sends the same call three times: each answer is the first one's.
async fn repeats(caller: &Caller, path: &str, body: &Value) -> Reply {
    let key = format!("key-of-{path}");
    let first = caller.post_once(&key, path, body).await;
    assert!((200..300).contains(&first.status), "{path}: {}", first.body);
    for _ in 0..2 {
        let again = caller.post_once(&key, path, body).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body), "{path}");
    }
    first
}

async fn put_once(caller: &Caller, key: &str, path: &str, body: &Value) -> Reply {
    let request = caller.request(Method::PUT, path).header("idempotency-key", key);
    Reply::of(request.json(body)).await
}

fn email(address: &str) -> Value {
    json!({ "identifiers": [{ "type": "email", "value": address }] })
}

both_engines! {
    async fn a_repeat_gets_the_first_answer(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = repeats(&shop, "/subjects", &email("ada@example.org")).await.text("/subject");
        repeats(&shop, "/subjects:ensure", &email("bob@example.org")).await;
        assert_eq!(shop.all_pages("/subjects", 100).await.len(), 2);
        let phone = json!({ "type": "phone", "value": "+33123456789" });
        repeats(&shop, &format!("/subjects/{ada}/identifiers"), &phone).await;
        let record = json!({ "items": [
            { "subject": ada, "category": "profile", "record": "main", "body": { "name": "A" } },
            { "subject": ada, "category": "nothing", "record": "main", "body": {} },
        ] });
        repeats(&shop, "/records:batch", &record).await;
        let grant = json!({
            "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
        });
        let consents = format!("/subjects/{ada}/consents");
        repeats(&shop, &consents, &grant).await;
        let batch = json!({ "items": [
            { "subject": ada, "purpose": "newsletter", "action": "withdrawn" },
        ] });
        repeats(&shop, "/consents:batch", &batch).await;
        let events = shop.all_pages(&format!("{consents}/events"), 100).await;
        assert_eq!(events.len(), 2);
        let access = json!({ "right": "access", "subject": ada });
        repeats(&shop, "/requests", &access).await;
        assert_eq!(shop.all_pages("/requests", 100).await.len(), 1);
        let admin = server.staff(Role::Admin, "*").await;
        let app = json!({ "app": "second", "title": "Second" });
        repeats(&admin, "/v1/apps", &app).await;
    }

    async fn a_repeated_put_patch_or_delete_writes_once(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let ada = shop.subject("ada@example.org").await;
        let path = format!("/subjects/{ada}/records/profile/main");
        let body = json!({ "name": "Ada" });
        let first = put_once(&shop, "put", &path, &body).await.expect_status(201);
        let again = put_once(&shop, "put", &path, &body).await.expect_status(201);
        assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
        // The condition held for the first call; its repeat is answered and not judged again.
        for _ in 0..2 {
            let request = shop.request(Method::PATCH, &path).header("idempotency-key", "patch");
            let request = request.header("content-type", "application/merge-patch+json");
            let patch = request.header("if-match", "\"1\"").body(r#"{"city":"Paris"}"#);
            assert_eq!(Reply::of(patch).await.expect_status(200).body["version"], 2);
        }
        for _ in 0..2 {
            let request = shop.request(Method::DELETE, &path).header("idempotency-key", "delete");
            Reply::of(request).await.expect_status(204);
        }
        let versions = shop.all_pages(&format!("{path}/versions"), 100).await;
        assert_eq!(versions.len(), 3);
    }

    async fn a_key_belongs_to_one_call(engine: Engine) {
        let server = TestServer::start(engine).await;
        let (shop, other) = (server.app("shop").await, server.app("other").await);
        shop.post_once("k", "/subjects", &email("ada@example.org")).await.expect_status(201);
        let body = shop.post_once("k", "/subjects", &email("bob@example.org")).await;
        body.expect_problem(422, "idempotency-key-reused");
        let path = shop.post_once("k", "/subjects:ensure", &email("ada@example.org")).await;
        path.expect_problem(422, "idempotency-key-reused");
        shop.lookup("email", "bob@example.org").await.expect_problem(404, "subject-not-found");
        other.post_once("k", "/subjects", &email("ada@example.org")).await.expect_status(201);
        // A refused call is no answer to be remembered: once it is put right, the key still works.
        let wrong = shop.post_once("retry", "/subjects", &email("ada@example.org")).await;
        wrong.expect_problem(409, "identifier-taken");
        shop.post_once("retry", "/subjects", &email("new@example.org")).await.expect_status(201);
        for bad in ["", "a b", "é", &"x".repeat(256)] {
            let refused = shop.post_once(bad, "/subjects", &email("c@example.org")).await;
            refused.expect_problem(400, "invalid-idempotency-key");
        }
    }

    async fn an_ensure_that_finds_somebody_is_remembered_too(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        shop.subject("ada@example.org").await;
        let found = repeats(&shop, "/subjects:ensure", &email("ada@example.org")).await;
        assert_eq!(found.status, 200);
        let key = "key-of-/subjects:ensure";
        let other = shop.post_once(key, "/subjects:ensure", &email("bob@example.org")).await;
        other.expect_problem(422, "idempotency-key-reused");
    }

    async fn twenty_at_once_create_one_subject(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        for (round, body) in [email("ada@example.org"), json!({})].iter().enumerate() {
            let key = format!("round-{round}");
            let calls = (0..20).map(|_| shop.post_once(&key, "/subjects", body));
            let replies = join_all(calls).await;
            let first = &replies[0];
            for reply in &replies {
                assert_eq!((reply.status, &reply.body), (201, &first.body));
            }
            assert_eq!(shop.all_pages("/subjects", 100).await.len(), round + 1);
        }
        shop.lookup("email", "ada@example.org").await.expect_status(200);
    }

    async fn a_secret_is_shown_once(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let clients = "/v1/apps/shop/clients";
        let new = json!({ "title": "backend", "scopes": ["subjects:read"] });
        let made = admin.post_once("k", clients, &new).await.expect_status(201);
        let again = admin.post_once("k", clients, &new).await;
        again.expect_problem(409, "secret-already-shown");
        let rotate = format!("{clients}/{}/secret", made.text("/client_id"));
        let once = |path: &str| {
            let path = path.to_owned();
            let caller = admin.clone();
            async move {
                let call = caller.request(Method::POST, &path).header("idempotency-key", "r");
                Reply::of(call).await
            }
        };
        once(&rotate).await.expect_status(200);
        once(&rotate).await.expect_problem(409, "secret-already-shown");

        let ada = shop.subject("ada@example.org").await;
        let request = shop.request_of("access", &ada).await;
        shop.completed(&request).await;
        let download = |key: &'static str| {
            let path = format!("/requests/{request}/download");
            let call = shop.request(Method::POST, &path).header("idempotency-key", key);
            async move { Reply::of(call).await }
        };
        let issued = download("d").await.expect_status(200);
        download("d").await.expect_problem(409, "secret-already-shown");
        let bundle = format!("/exports/{}", issued.text("/export"));
        shop.fetch(&bundle, &issued.text("/token")).await.expect_status(200);
    }
}
