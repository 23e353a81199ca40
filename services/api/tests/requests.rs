//! Requests from the first call to the certificate, through the real routes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use actix_web::dev::ServiceResponse;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web;
use oubli_api::{Api, Limits, RateLimits, routes};
use oubli_app::auth::VisibleApps;
use oubli_app::certificate::verify_certificate;
use oubli_app::subjects::NewIdentifier;
use oubli_app::{Actor, Call, Oubli, Worker, apps, data_map, staff, subjects};
use oubli_domain::scope::Role;
use oubli_domain::{AppId, IdentifierType, Pii};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use utoipa_actix_web::AppExt;

use common::{PASSWORD, service};

fn map() -> Value {
    json!({
        "categories": {"profile": {
            "title": "Profile", "clock_start": {"from": "created"},
            "fields": {"name": {"schema": {"type": "string"}, "classification": "name",
                                "origin": "provided"}},
        }},
        "purposes": {"fulfil": {"title": "Fulfil orders", "lawful_basis": "contract",
                                "reads": {"profile": ["*"]}}},
        "app": {"controller": {"name": "Shop Ltd"}, "subject_kinds": ["customers"],
                "time_zone": "Europe/Paris", "country": "FR"},
    })
}

/// A shop with one person and a data protection officer.
async fn shop(oubli: &Oubli) {
    let call = Call::system(AppId::new("shop").unwrap());
    apps::create(oubli, &call, "Shop").await.unwrap();
    data_map::put(oubli, &call, map()).await.unwrap();
    let value = Pii::new("ada@people.example".to_owned());
    let identifiers = vec![NewIdentifier { kind: IdentifierType::Email, value }];
    subjects::create(oubli, &call, identifiers).await.unwrap();
    let new = staff::NewStaff {
        name: "dora".to_owned(),
        role: Role::Dpo,
        apps: VisibleApps::All,
        password: Pii::new(PASSWORD.to_owned()),
        must_change: false,
    };
    staff::create_user(oubli, &Actor::System, new).await.unwrap();
}

async fn work(oubli: &Arc<Oubli>) {
    let worker = Worker::new(Arc::clone(oubli), CancellationToken::new());
    worker.run_until_idle().await.unwrap();
}

/// The routes as the server has them.
macro_rules! app {
    ($oubli:expr) => {{
        let api = Api::new(Arc::clone($oubli), Limits::default(), RateLimits::default());
        let app = actix_web::App::new().app_data(web::Data::new(api));
        init_service(app.into_utoipa_app().configure(routes).into_app()).await
    }};
}

async fn json_body(answer: ServiceResponse) -> Value {
    serde_json::from_slice(&read_body(answer).await).unwrap()
}

/// The JSON of an answer that must have this status.
macro_rules! json_of {
    ($app:expr, $status:expr, $request:expr) => {{
        let answer = call_service($app, $request.to_request()).await;
        assert_eq!(answer.status().as_u16(), $status);
        json_body(answer).await
    }};
}

/// What adds the token of the data protection officer to a request.
macro_rules! sign_in {
    ($app:expr) => {{
        let body = json!({"name": "dora", "password": PASSWORD});
        let login = TestRequest::post().uri("/v1/staff/login").set_json(body);
        let token = json_of!($app, 200, login)["access_token"].as_str().unwrap().to_owned();
        move |request: TestRequest| {
            request.insert_header((AUTHORIZATION, format!("Bearer {token}")))
        }
    }};
}

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

fn post(path: &str, body: &Value) -> TestRequest {
    TestRequest::post().uri(path).set_json(body)
}

fn ada() -> Value {
    json!({"identifier": {"type": "email", "value": "ada@people.example"}})
}

fn asks_for(right: &str) -> Value {
    let mut body = ada();
    body["right"] = right.into();
    body
}

#[actix_web::test]
async fn an_export_is_asked_for_and_downloaded_once() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    shop(&oubli).await;
    let app = app!(&oubli);
    let signed = sign_in!(&app);

    let made = json_of!(&app, 202, signed(post("/v1/apps/shop/requests", &asks_for("access"))));
    let path = format!("/v1/apps/shop/requests/{}", made["request"].as_str().unwrap());
    let download = format!("{path}/download");
    let early = json_of!(&app, 409, signed(TestRequest::post().uri(&download)));
    assert_eq!(early["type"], "/problems/export-not-ready");
    work(&oubli).await;
    let request = json_of!(&app, 200, signed(get(&path)));
    assert_eq!(
        (&request["state"], &request["export"]["ready"]),
        (&json!("completed"), &json!(true))
    );
    let none = json_of!(&app, 404, signed(get(&format!("{path}/certificate"))));
    assert_eq!(none["type"], "/problems/certificate-not-found");

    let issued = json_of!(&app, 200, signed(TestRequest::post().uri(&download)));
    assert_eq!(issued["export"], request["export"]["export"]);
    let bundle = format!("/v1/apps/shop/exports/{}", issued["export"].as_str().unwrap());
    let token = issued["token"].as_str().unwrap().to_owned();
    json_of!(&app, 404, get(&bundle));
    let with_token = || get(&bundle).insert_header(("Oubli-Download-Token", token.as_str()));
    let answer = call_service(&app, with_token().to_request()).await;
    assert_eq!(answer.status().as_u16(), 200);
    assert_eq!(answer.headers().get(CONTENT_TYPE).unwrap(), "application/zip");
    let zip = read_body(answer).await;
    assert_eq!(&zip[..4], b"PK\x03\x04");
    assert_eq!(request["export"]["bytes"], zip.len());
    json_of!(&app, 404, with_token());
}

#[actix_web::test]
async fn an_erasure_ends_in_a_certificate_that_the_published_keys_prove() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    shop(&oubli).await;
    let app = app!(&oubli);
    let signed = sign_in!(&app);

    let plan = json_of!(&app, 200, signed(post("/v1/apps/shop/requests:preview", &ada())));
    assert_eq!((&plan["kept"], &plan["tables"]["identifiers"]), (&json!([]), &json!(1)));
    let made = json_of!(&app, 202, signed(post("/v1/apps/shop/requests", &asks_for("erasure"))));
    let erasing = json_of!(&app, 409, signed(post("/v1/apps/shop/requests", &asks_for("access"))));
    assert_eq!(erasing["type"], "/problems/subject-erasing");
    work(&oubli).await;
    json_of!(&app, 404, signed(post("/v1/apps/shop/requests", &asks_for("access"))));

    let path = format!("/v1/apps/shop/requests/{}", made["request"].as_str().unwrap());
    let request = json_of!(&app, 200, signed(get(&path)));
    assert_eq!((&request["state"], &request["certificate"]), (&json!("completed"), &json!(true)));
    assert_eq!(request.get("subject"), None);
    let list = json_of!(&app, 200, signed(get("/v1/apps/shop/requests?limit=10")));
    assert_eq!(list["items"][0]["request"], made["request"]);

    let certificate = format!("{path}/certificate");
    let answer = call_service(&app, signed(get(&certificate)).to_request()).await;
    assert_eq!(answer.headers().get(CONTENT_TYPE).unwrap(), "application/jwt");
    let jws = String::from_utf8(read_body(answer).await.to_vec()).unwrap();
    let keys = json_of!(&app, 200, get("/.well-known/oubli-keys")).to_string();
    let claims = verify_certificate(&jws, &keys).unwrap();
    assert_eq!(claims.request.to_string(), made["request"]);

    let events = json_of!(&app, 200, signed(get("/v1/apps/shop/events?limit=1000")));
    let last = events["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["leaf"]["type"], "request.completed");
    let first = json_of!(&app, 200, signed(get("/v1/apps/shop/events?limit=1")));
    let rest = format!("/v1/apps/shop/events?cursor={}", first["next"].as_str().unwrap());
    let rest = json_of!(&app, 200, signed(get(&rest)));
    assert_eq!(rest["items"].as_array().unwrap()[..], events["items"].as_array().unwrap()[1..]);
}

#[actix_web::test]
async fn what_is_wrong_with_a_request_is_said_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    shop(&oubli).await;
    let app = app!(&oubli);
    let signed = sign_in!(&app);
    let mut partial = asks_for("erasure");
    partial["scope"] = json!({"categories": ["profile"]});
    let mut future = asks_for("access");
    future["received_at"] = "2099-01-01T00:00:00Z".into();
    let cases = [
        (asks_for("objection"), 422, "/right"),
        (asks_for("everything"), 422, "/right"),
        (partial, 422, "/scope"),
        (future, 422, "/received_at"),
        (json!({"right": "access"}), 422, ""),
    ];
    for (body, status, pointer) in cases {
        let problem = json_of!(&app, status, signed(post("/v1/apps/shop/requests", &body)));
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let list = json_of!(&app, 200, signed(get("/v1/apps/shop/requests")));
    assert_eq!(list["items"], json!([]));
}

#[actix_web::test]
async fn health_needs_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    let app = app!(&oubli);
    assert_eq!(json_of!(&app, 200, get("/health/live"))["status"], "pass");
    let ready = json_of!(&app, 200, get("/health/ready"));
    assert_eq!(ready["checks"].as_object().unwrap().len(), 5);
    oubli.close().await;
    let ready = json_of!(&app, 503, get("/health/ready"));
    assert_eq!(ready["checks"]["keys_database"]["status"], "fail");
    assert_eq!(json_of!(&app, 200, get("/health/live"))["status"], "pass");
}
