//! Tokens, sign-in, apps and clients through the real routes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use actix_web::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web;
use oubli_api::{Api, Limits, RateLimits, routes};
use oubli_app::auth::VisibleApps;
use oubli_app::{Actor, Oubli, staff};
use oubli_domain::Pii;
use oubli_domain::scope::Role;
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;

use common::{PASSWORD, service};

async fn user(oubli: &Oubli, name: &str, role: Role) {
    let password = Pii::new(PASSWORD.to_owned());
    let apps = VisibleApps::All;
    let new = staff::NewStaff { name: name.to_owned(), role, apps, password, must_change: false };
    staff::create_user(oubli, &Actor::System, new).await.unwrap();
}

/// The routes as the server has them.
macro_rules! app {
    ($oubli:expr) => {{
        let api = Api::new(Arc::clone($oubli), Limits::default(), RateLimits::default());
        let app = actix_web::App::new().app_data(web::Data::new(api));
        init_service(app.into_utoipa_app().configure(routes).into_app()).await
    }};
}

/// Sends a request and gives the answer with its status.
macro_rules! send {
    ($app:expr, $request:expr) => {{
        let answer = call_service($app, $request.to_request()).await;
        let status = answer.status().as_u16();
        (status, answer)
    }};
}

/// Sends a request and gives the status and the JSON of the answer, null when it has no body.
macro_rules! json_of {
    ($app:expr, $request:expr) => {{
        let (status, answer) = send!($app, $request);
        let body = read_body(answer).await;
        (status, serde_json::from_slice::<Value>(&body).unwrap_or(Value::Null))
    }};
}

/// The token of a staff user who signs in.
macro_rules! sign_in {
    ($app:expr, $name:expr) => {{
        let body = json!({"name": $name, "password": PASSWORD});
        let (status, session) =
            json_of!($app, TestRequest::post().uri("/v1/staff/login").set_json(body));
        assert_eq!(status, 200);
        session["access_token"].as_str().unwrap().to_owned()
    }};
}

/// An app called `shop` with a client of `scopes`: the client's id and secret.
macro_rules! client {
    ($app:expr, $token:expr, $scopes:expr) => {{
        let request = bearer(TestRequest::post().uri("/v1/apps/shop/clients"), $token);
        let body = json!({"title": "Backend", "scopes": $scopes});
        let (status, made) = json_of!($app, request.set_json(body));
        assert_eq!(status, 201);
        (made["client_id"].as_str().unwrap().to_owned(), made["client_secret"].as_str().unwrap().to_owned())
    }};
}

fn bearer(request: TestRequest, token: &str) -> TestRequest {
    request.insert_header((AUTHORIZATION, format!("Bearer {token}")))
}

fn get(path: &str, token: &str) -> TestRequest {
    bearer(TestRequest::get().uri(path), token)
}

fn new_app(name: &str, token: &str) -> TestRequest {
    let body = json!({"app": name, "title": "An app"});
    bearer(TestRequest::post().uri("/v1/apps"), token).set_json(body)
}

fn form(body: &str) -> TestRequest {
    TestRequest::post()
        .uri("/oauth2/token")
        .insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"))
        .set_payload(body.to_owned())
}

fn basic(request: TestRequest, id: &str, secret: &str) -> TestRequest {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
    request.insert_header((AUTHORIZATION, format!("Basic {pair}")))
}

#[actix_web::test]
async fn a_client_is_made_gets_tokens_and_is_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    user(&oubli, "ada", Role::Admin).await;
    let app = app!(&oubli);
    let admin = sign_in!(&app, "ada");
    assert_eq!(json_of!(&app, new_app("shop", &admin)).0, 201);
    let (status, problem) = json_of!(&app, new_app("shop", &admin));
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/app-exists")));
    assert_eq!(json_of!(&app, new_app("other", &admin)).0, 201);

    let (id, secret) = client!(&app, &admin, ["app:read"]);
    let request = basic(form("grant_type=client_credentials"), &id, &secret);
    let (status, issued) = json_of!(&app, request);
    assert_eq!((status, &issued["token_type"]), (200, &json!("Bearer")));
    assert_eq!((&issued["expires_in"], &issued["scope"]), (&json!(900), &json!("app:read")));
    let token = issued["access_token"].as_str().unwrap();
    assert_eq!(json_of!(&app, get("/v1/apps/shop", token)).1["app"], "shop");
    assert_eq!(json_of!(&app, get("/v1/apps/shop/settings", token)).0, 200);
    assert_eq!(json_of!(&app, get("/v1/apps/shop/clients", token)).0, 403);
    assert_eq!(json_of!(&app, get("/v1/apps", token)).0, 403);
    for path in ["/v1/apps/other", "/v1/apps/nowhere", "/v1/apps/UPPER"] {
        assert_eq!(json_of!(&app, get(path, token)).0, 404, "{path}");
    }

    let one = format!("/v1/apps/shop/clients/{id}");
    let revoke = bearer(TestRequest::delete().uri(&one), &admin);
    assert_eq!(json_of!(&app, revoke).0, 204);
    assert_eq!(json_of!(&app, get("/v1/apps/shop", token)).0, 401);
    assert!(json_of!(&app, get(&one, &admin)).1["revoked_at"].is_string());
}

#[actix_web::test]
async fn token_errors_have_oauths_form() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    user(&oubli, "ada", Role::Admin).await;
    let app = app!(&oubli);
    let admin = sign_in!(&app, "ada");
    assert_eq!(json_of!(&app, new_app("shop", &admin)).0, 201);
    let (id, secret) = client!(&app, &admin, ["app:read", "clients:read"]);
    let own = format!("client_id={id}&client_secret={secret}");
    let grant = "grant_type=client_credentials";
    let (status, issued) = json_of!(&app, form(&format!("{grant}&{own}&scope=app%3Aread")));
    assert_eq!((status, &issued["scope"]), (200, &json!("app:read")));
    let cases = [
        (form(&format!("{grant}&{own}&scope=records:read")), 400, "invalid_scope"),
        (form(&format!("grant_type=password&{own}")), 400, "unsupported_grant_type"),
        (form(&own), 400, "invalid_request"),
        (form(&format!("{grant}&{grant}&{own}")), 400, "invalid_request"),
        (form(&format!("{grant}&client_id={id}")), 400, "invalid_request"),
        (basic(form(&format!("{grant}&{own}")), &id, &secret), 400, "invalid_request"),
        (TestRequest::post().uri("/oauth2/token").set_json(json!({})), 400, "invalid_request"),
        (form(&format!("{grant}&{own}&other={}", "x".repeat(4 << 10))), 400, "invalid_request"),
        (form(grant), 401, "invalid_client"),
        (bearer(form(grant), &admin), 401, "invalid_client"),
        (basic(form(grant), &id, "wrong"), 401, "invalid_client"),
        (basic(form(grant), "shop.0", &secret), 401, "invalid_client"),
    ];
    for (n, (request, status, error)) in cases.into_iter().enumerate() {
        let (got, answer) = send!(&app, request);
        assert_eq!(got, status, "case {n}");
        assert_eq!(answer.headers().get(CACHE_CONTROL).unwrap(), "no-store");
        assert_eq!(answer.headers().contains_key(WWW_AUTHENTICATE), status == 401);
        let body: Value = serde_json::from_slice(&read_body(answer).await).unwrap();
        assert_eq!(body["error"], error, "case {n}");
    }
}

#[actix_web::test]
async fn a_secret_is_answered_once() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    user(&oubli, "ada", Role::Admin).await;
    let app = app!(&oubli);
    let admin = sign_in!(&app, "ada");
    let create = || new_app("shop", &admin).insert_header(("idempotency-key", "k1"));
    let first = json_of!(&app, create());
    assert_eq!(json_of!(&app, create()), first, "a repeat gets the first answer");
    let (id, _) = client!(&app, &admin, ["app:read"]);
    let path = format!("/v1/apps/shop/clients/{id}/secret");
    let rotate =
        || bearer(TestRequest::post().uri(&path), &admin).insert_header(("idempotency-key", "k2"));
    assert_eq!(json_of!(&app, rotate()).0, 200);
    let (status, problem) = json_of!(&app, rotate());
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/secret-already-shown")));
}

#[actix_web::test]
async fn staff_sign_in_and_out() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    user(&oubli, "dora", Role::Dpo).await;
    let app = app!(&oubli);
    let token = sign_in!(&app, "dora");
    let (status, page) = json_of!(&app, get("/v1/apps", &token));
    assert_eq!((status, page), (200, json!({"items": []})));
    assert_eq!(json_of!(&app, new_app("shop", &token)).0, 403);
    let logout = || bearer(TestRequest::post().uri("/v1/staff/logout"), &token);
    assert_eq!(json_of!(&app, logout()).0, 204);
    assert_eq!(json_of!(&app, logout()).0, 401);
    let wrong = json!({"name": "dora", "password": "wrong"});
    let request = TestRequest::post().uri("/v1/staff/login").set_json(wrong);
    let (status, problem) = json_of!(&app, request);
    assert_eq!((status, &problem["type"]), (401, &json!("/problems/login-failed")));
    let long = json!({"name": "dora", "password": "x".repeat(4 << 10)});
    let request = TestRequest::post().uri("/v1/staff/login").set_json(long);
    let (status, problem) = json_of!(&app, request);
    assert_eq!((status, &problem["type"]), (413, &json!("/problems/too-large")));
}

#[actix_web::test]
async fn what_others_need_to_know_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    user(&oubli, "ada", Role::Admin).await;
    let app = app!(&oubli);
    let admin = sign_in!(&app, "ada");
    assert_eq!(json_of!(&app, new_app("shop", &admin)).0, 201);
    let open = |path| TestRequest::get().uri(path);
    let (_, jwks) = json_of!(&app, open("/.well-known/jwks.json"));
    assert_eq!(
        (&jwks["keys"][0]["crv"], &jwks["keys"][0]["use"]),
        (&json!("Ed25519"), &json!("sig"))
    );
    let (_, metadata) = json_of!(&app, open("/.well-known/oauth-authorization-server"));
    assert_eq!(metadata["issuer"], "https://oubli.test");
    assert_eq!(metadata["token_endpoint"], "https://oubli.test/oauth2/token");
    let (_, keys) = json_of!(&app, open("/.well-known/oubli-keys"));
    assert_eq!((&keys["keys"][0]["app"], &keys["keys"][0]["kty"]), (&json!("shop"), &json!("OKP")));
    assert_ne!(keys["keys"][0]["kid"], jwks["keys"][0]["kid"]);
}
