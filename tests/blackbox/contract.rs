//! What is answered is what the document tells: status, media type and the schema of the body.

use std::collections::BTreeSet;

use oubli_domain::scope::Role;
use oubli_tests::{Caller, Document, Reply, TestServer, both_engines, data_map, eventually};
use reqwest::Method;
use serde_json::{Value, json};

/// Calls, and holds each answer against the document.
struct Told {
    document: Document,
    seen: BTreeSet<String>,
}

impl Told {
    async fn call(
        &mut self,
        caller: &Caller,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Reply {
        let request = caller.request(method.clone(), path);
        let media = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = match &body {
            Some(body) => request.header("content-type", media).body(body.to_string()),
            None => request,
        };
        let url = request.try_clone().unwrap().build().unwrap().url().path().to_owned();
        let reply = Reply::of(request).await;
        let operation = self.document.find(&method, &url).unwrap();
        operation.expect_documented(&reply);
        self.expect_schema(&operation.told["responses"][reply.status.to_string()], &reply);
        self.seen.insert(operation.name());
        reply
    }

    /// Holds a JSON body against its schema.
    fn expect_schema(&self, answer: &Value, reply: &Reply) {
        let sent = reply.header("content-type").unwrap_or_default();
        // Lines of JSON are no JSON.
        if sent != "application/json" && !sent.ends_with("+json") {
            return;
        }
        let mut schema = answer["content"][sent]["schema"].clone();
        assert!(schema.is_object(), "no schema for {sent}: {answer}");
        schema["components"] = self.document.0["components"].clone();
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&reply.body).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}: {}", reply.body);
    }

    async fn get(&mut self, caller: &Caller, path: &str) -> Reply {
        self.call(caller, Method::GET, path, None).await
    }

    async fn post(&mut self, caller: &Caller, path: &str, body: Value) -> Reply {
        self.call(caller, Method::POST, path, Some(body)).await
    }

    async fn put(&mut self, caller: &Caller, path: &str, body: Value) -> Reply {
        self.call(caller, Method::PUT, path, Some(body)).await
    }
}

async fn declare(told: &mut Told, admin: &Caller, shop: &Caller) {
    let app = json!({ "app": "market", "title": "M" });
    told.post(admin, "/v1/apps", app.clone()).await.expect_status(201);
    told.post(admin, "/v1/apps", app).await.expect_status(409);
    let client = json!({ "title": "t", "scopes": ["app:read"] });
    let client = told.post(admin, "/v1/apps/shop/clients", client).await.text("/client_id");
    let one = format!("/v1/apps/shop/clients/{client}");
    told.get(admin, &one).await.expect_status(200);
    told.call(admin, Method::POST, &format!("{one}/secret"), None).await.expect_status(200);
    told.call(admin, Method::DELETE, &one, None).await.expect_status(204);
    told.call(admin, Method::POST, &format!("{one}/secret"), None).await.expect_status(409);
    told.put(shop, "/data-map", data_map()).await.expect_status(200);
    told.put(shop, "/notices/other", json!({ "texts": { "en": "x" } })).await.expect_status(201);
    told.put(shop, "/settings", json!({ "download_hours": 1 })).await.expect_status(200);
    for path in [
        "/v1/apps",
        "/v1/schemas/data-map",
        "/.well-known/jwks.json",
        "/.well-known/oubli-keys",
        "/.well-known/oauth-authorization-server",
        "/health/live",
        "/health/ready",
        "/openapi.json",
    ] {
        told.get(admin, path).await.expect_status(200);
    }
    for path in [
        "",
        "/settings",
        "/clients",
        "/data-map",
        "/data-map/versions",
        "/data-map/versions/1",
        "/notices",
        "/notices/newsletter",
        "/notices/newsletter/versions/1",
        "/purposes",
        "/purposes/newsletter",
        "/data-map/diff?from=1&to=1",
        "/privacy-notice?language=fr",
        "/register",
        "/problems",
        "/problems/record-not-found",
    ] {
        told.get(shop, path).await.expect_status(200);
    }
    told.get(shop, "/notices/absent").await.expect_status(404);
    told.get(shop, "/privacy-notice?language=la").await.expect_status(404);
}

async fn keep(told: &mut Told, shop: &Caller) -> String {
    let ids = json!({ "identifiers": [{ "type": "email", "value": "ada@example.org" }] });
    let ada = told.post(shop, "/subjects", ids.clone()).await.text("/subject");
    told.post(shop, "/subjects", ids.clone()).await.expect_status(409);
    told.post(shop, "/subjects:ensure", ids).await.expect_status(200);
    let of = |path: &str| format!("/subjects/{ada}{path}");
    let phone = json!({ "type": "phone", "value": "+33612345678" });
    let phone = told.post(shop, &of("/identifiers"), phone).await.text("/identifier");
    told.call(shop, Method::DELETE, &of(&format!("/identifiers/{phone}")), None)
        .await
        .expect_status(204);
    told.post(shop, "/subjects:lookup", json!({ "subject": ada })).await.expect_status(200);
    let record = of("/records/profile/main");
    told.put(shop, &record, json!({ "name": "Ada" })).await.expect_status(201);
    told.put(shop, &record, json!({ "name": "Ada L" })).await.expect_status(200);
    told.put(shop, &record, json!({ "name": 7 })).await.expect_status(422);
    told.call(shop, Method::PATCH, &record, Some(json!({ "city": "X" }))).await.expect_status(200);
    let items = json!({ "items": [
        { "subject": ada, "category": "profile", "record": "b", "body": {} },
        { "subject": ada, "category": "absent", "record": "b", "body": {} },
    ] });
    told.post(shop, "/records:batch", items).await.expect_status(200);
    told.call(shop, Method::DELETE, &of("/records/profile/b"), None).await.expect_status(204);
    told.get(shop, &format!("{record}?purpose=newsletter")).await.expect_status(403);
    told.get(shop, &format!("{record}?purpose=delivery")).await.expect_status(200);
    told.get(shop, &format!("{record}/versions")).await.expect_status(200);
    for path in ["/subjects", &of("")] {
        told.get(shop, path).await.expect_status(200);
    }
    ada
}

async fn consent(told: &mut Told, shop: &Caller, ada: &str) {
    let of = |path: &str| format!("/subjects/{ada}/consents{path}");
    let grant = json!({
        "purpose": "newsletter", "action": "granted", "notice_version": 1, "language": "en",
        "id": "1", "signals": { "gpc": false, "gpp": "DBAA" },
    });
    told.post(shop, &of(""), grant.clone()).await.expect_status(201);
    told.post(shop, &of(""), grant).await.expect_status(200);
    let events = json!({ "items": [
        { "subject": ada, "purpose": "newsletter", "action": "withdrawn" },
        { "subject": ada, "purpose": "absent", "action": "refused" },
    ] });
    told.post(shop, "/consents:batch", events).await.expect_status(200);
    let check = json!({ "subject": ada, "purpose": "newsletter" });
    told.post(shop, "/consents:check", check.clone()).await.expect_status(200);
    told.post(shop, "/consents:check-batch", json!({ "items": [check] })).await.expect_status(200);
    told.get(shop, &of("")).await.expect_status(200);
    let events = told.get(shop, &of("/events")).await.expect_status(200);
    let receipt = of(&format!("/{}/receipt", events.text("/items/0/event")));
    told.get(shop, &receipt).await.expect_status(200);
    told.get(shop, &of(&format!("/evt_{}/receipt", "0".repeat(32)))).await.expect_status(404);
}

async fn read(told: &mut Told, shop: &Caller, ada: &str) {
    let asked = json!({
        "purpose": "delivery", "items": [{ "subject": ada }], "categories": ["profile"],
    });
    told.post(shop, "/records:read", asked).await.expect_status(200);
    told.get(shop, "/purposes/delivery/subjects").await.expect_status(200);
    told.get(shop, "/purposes/absent/subjects").await.expect_status(404);
    let of = |path: &str| format!("/subjects/{ada}{path}");
    told.post(shop, &of("/contacts"), json!({})).await.expect_status(200);
    let end = of("/purposes/delivery/end");
    told.call(shop, Method::PUT, &end, None).await.expect_status(200);
    told.get(shop, &of("/purposes")).await.expect_status(200);
    told.call(shop, Method::DELETE, &end, None).await.expect_status(204);
    let other = of("/purposes/newsletter/end");
    told.call(shop, Method::PUT, &other, None).await.expect_status(422);
}

async fn serve(told: &mut Told, shop: &Caller, ada: &str) {
    let of = |right: &str| json!({ "right": right, "subject": ada, "scope": {} });
    let access = told.post(shop, "/requests", of("access")).await.text("/request");
    shop.completed(&access).await;
    told.get(shop, &format!("/requests/{access}")).await.expect_status(200);
    let issue = format!("/requests/{access}/download");
    let issued = told.call(shop, Method::POST, &issue, None).await.expect_status(200);
    told.get(shop, &format!("/exports/{}", issued.text("/export"))).await.expect_status(404);
    told.get(shop, &format!("/requests/{access}/certificate")).await.expect_status(404);
    told.post(shop, "/requests:preview", json!({ "subject": ada })).await.expect_status(200);
    let erasure = told.post(shop, "/requests", of("erasure")).await.text("/request");
    shop.completed(&erasure).await;
    told.get(shop, &format!("/requests/{erasure}/certificate")).await.expect_status(200);
    told.get(shop, &format!("/subjects/{ada}")).await.expect_status(404);
    told.get(shop, "/requests").await.expect_status(200);
    for path in ["/events", "/events/export", "/audit/exposure"] {
        told.get(shop, path).await.expect_status(200);
    }
}

async fn import(told: &mut Told, shop: &Caller) {
    let lines = json!({ "lines": [
        { "type": "subject", "id": "1", "identifiers": [] },
        { "type": "record", "id": "2", "subject": "1", "category": "absent", "record": "a", "body": {} },
    ] });
    told.post(shop, "/import", lines).await.expect_status(200);
    told.get(shop, "/v1/schemas/import-line").await.expect_status(200);
}

/// What staff do to accounts: of one who was just made, and of their own.
async fn manage(told: &mut Told, server: &TestServer, admin: &Caller) {
    let new = json!({ "name": "grace", "role": "dpo", "apps": ["*"] });
    let made = told.post(admin, "/v1/staff/users", new).await.expect_status(201);
    let of = |path: &str| format!("/v1/staff/users/{}{path}", made.text("/user"));
    let login = json!({ "name": "grace", "password": made.text("/temporary_password") });
    let signed_in = told.post(&server.anonymous(), "/v1/staff/login", login.clone()).await;
    let grace = server.anonymous().with_token(signed_in.text("/access_token"));
    told.get(&grace, "/v1/staff/me").await.expect_status(403);
    let change = json!({ "current": login["password"], "new": oubli_tests::PASSWORD });
    told.post(&grace, "/v1/staff/password", change).await.expect_status(204);
    let change = json!({ "role": "auditor", "apps": ["shop"] });
    told.put(admin, &of(""), change).await.expect_status(200);
    for path in ["me", "sessions", "sign-ins", "users", "events"] {
        told.get(admin, &format!("/v1/staff/{path}")).await.expect_status(200);
    }
    told.get(admin, &of("")).await.expect_status(200);
    let open = told.get(admin, &of("/sessions")).await.expect_status(200);
    let session = format!("/v1/staff/sessions/{}", open.text("/items/0/session"));
    told.call(admin, Method::DELETE, &session, None).await.expect_status(204);
    for act in ["/disable", "/enable"] {
        told.call(admin, Method::POST, &of(act), None).await.expect_status(204);
    }
    told.call(admin, Method::POST, &of("/reset-password"), None).await.expect_status(200);
}

/// A hold keeps an invoice of somebody who is erased, until it is released.
async fn hold(told: &mut Told, server: &TestServer, shop: &Caller) {
    let dpo = server.staff(Role::Dpo, "shop").await.for_app("shop");
    let subject = shop.subject("held@example.org").await;
    let invoice = format!("/subjects/{subject}/records/invoice/1");
    shop.put(&invoice, &json!({ "date": "2026-01-02", "total": 7 })).await.expect_status(201);
    let new = json!({
        "subject": subject, "category": "invoice", "ground": "legal_claims",
        "legal_reference": "File 7", "note": "Disputed.",
    });
    let hold = told.post(&dpo, "/holds", new).await.expect_status(201).text("/hold");
    told.get(&dpo, "/holds?state=standing").await.expect_status(200);
    told.get(&dpo, &format!("/holds/{hold}")).await.expect_status(200);
    told.call(shop, Method::DELETE, &invoice, None).await.expect_problem(409, "held");
    let question = json!({ "subject": subject });
    told.post(shop, "/requests:preview", question).await.expect_status(200);
    let request = shop.request_of("erasure", &subject).await;
    shop.completed(&request).await;
    let kept = told.get(&dpo, &format!("/kept-items?hold={hold}")).await.expect_status(200);
    let read = format!("/kept-items/{}/read", kept.text("/items/0/item"));
    told.post(&dpo, &read, json!({ "ground": "legal_claims" })).await.expect_status(200);
    let release = format!("/holds/{hold}/release");
    told.post(&dpo, &release, json!({ "reason": "ended" })).await.expect_status(200);
    told.post(&dpo, &release, json!({ "reason": "ended" })).await.expect_status(409);
    let supplements = format!("/requests/{request}/supplements");
    eventually(async || {
        let found = told.get(shop, &supplements).await.expect_status(200);
        found.body["items"].as_array().and_then(|items| items.first().map(|_| ()))
    })
    .await;
}

/// Two admins delete an app.
async fn leave(told: &mut Told, admin: &Caller, other: &Caller) {
    let confirm = json!({ "confirm": "shop" });
    told.post(admin, "/deletion", confirm.clone()).await.expect_status(201);
    told.get(admin, "/deletion").await.expect_status(200);
    told.call(admin, Method::DELETE, "/deletion", None).await.expect_status(204);
    told.post(admin, "/deletion", confirm).await.expect_status(201);
    told.call(admin, Method::POST, "/deletion:approve", None).await.expect_status(409);
    told.call(other, Method::POST, "/deletion:approve", None).await.expect_status(202);
    eventually(async || {
        let deletion = told.get(admin, "/deletion").await.expect_status(200);
        (deletion.body["state"] == "deleted").then_some(())
    })
    .await;
    told.get(admin, "/deletion/certificate").await.expect_status(200);
}

both_engines! {
    async fn every_operation_answers_as_it_is_told(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let document = Document::of(&server.url).await;
        let mut told = Told { document, seen: BTreeSet::new() };
        declare(&mut told, &admin, &shop).await;
        let ada = keep(&mut told, &shop).await;
        consent(&mut told, &shop, &ada).await;
        read(&mut told, &shop, &ada).await;
        serve(&mut told, &shop, &ada).await;
        import(&mut told, &shop).await;
        hold(&mut told, &server, &shop).await;
        manage(&mut told, &server, &admin).await;
        let name = server.staff_user(Role::Dpo, "*").await;
        let login = json!({ "name": name, "password": oubli_tests::PASSWORD });
        let dpo = told.post(&server.anonymous(), "/v1/staff/login", login).await;
        let dpo = server.anonymous().with_token(dpo.text("/access_token"));
        told.call(&dpo, Method::POST, "/v1/staff/logout", None).await.expect_status(204);
        let (one, two) = (server.staff(Role::Admin, "*").await, server.staff(Role::Admin, "*").await);
        leave(&mut told, &one.for_app("shop"), &two.for_app("shop")).await;
        let operations = told.document.operations();
        let unseen: Vec<String> = operations
            .iter()
            .map(oubli_tests::Operation::name)
            .filter(|name| !told.seen.contains(name))
            .collect();
        assert_eq!(unseen, ["POST /oauth2/token"], "its form is tested with tokens");
    }
}
