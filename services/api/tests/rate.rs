//! How many calls a caller may make, through the real routes and by a time that the test moves.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web;
use oubli_api::{Api, Limits, RateLimits, Ticks, routes, tell_rate};
use oubli_app::auth::VisibleApps;
use oubli_app::{Actor, Oubli, staff};
use oubli_domain::Pii;
use oubli_domain::scope::Role;
use serde_json::{Value, json};
use utoipa_actix_web::AppExt;

use common::{PASSWORD, service};

/// Three calls at once, then one a second.
const RATE: RateLimits = RateLimits {
    enabled: true,
    requests_per_second: NonZeroU32::MIN,
    burst: NonZeroU32::new(3).unwrap(),
};

/// The service with a low limit, and its seconds.
macro_rules! limited {
    ($oubli:expr) => {{
        let seconds = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&seconds);
        let ticks = Ticks::from_fn(move || Duration::from_secs(read.load(Ordering::Relaxed)));
        let api = Api::with_ticks(Arc::clone($oubli), Limits::default(), RATE, ticks);
        let app = actix_web::App::new().app_data(web::Data::new(api));
        let app = app.into_utoipa_app().configure(routes).into_app().wrap(from_fn(tell_rate));
        (init_service(app).await, seconds)
    }};
}

async fn users(oubli: &Oubli, names: &[&str]) {
    for name in names {
        let password = Pii::new(PASSWORD.to_owned());
        let (name, role, apps) = ((*name).to_owned(), Role::Admin, VisibleApps::All);
        let new = staff::NewStaff { name, role, apps, password, must_change: false };
        staff::create_user(oubli, &Actor::System, new).await.unwrap();
    }
}

fn login(name: &str, password: &str) -> TestRequest {
    let body = json!({"name": name, "password": password});
    TestRequest::post().uri("/v1/staff/login").set_json(body)
}

fn apps(token: &str) -> TestRequest {
    let bearer = format!("Bearer {token}");
    TestRequest::get().uri("/v1/apps").insert_header((AUTHORIZATION, bearer))
}

macro_rules! call {
    ($app:expr, $request:expr) => {
        call_service($app, $request.to_request()).await
    };
}

macro_rules! sign_in {
    ($app:expr, $name:expr) => {{
        let answer = call!($app, login($name, PASSWORD));
        let body: Value = serde_json::from_slice(&read_body(answer).await).unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }};
}

fn header<B>(answer: &ServiceResponse<B>, name: &str) -> Option<String> {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
}

/// Fails unless an answer is the refusal of one call too many.
async fn expect_limited<B: MessageBody>(answer: ServiceResponse<B>, wait: &str) {
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(header(&answer, "retry-after").as_deref(), Some(wait));
    assert_eq!(header(&answer, "ratelimit").as_deref(), Some(r#""caller";r=0;t=3"#));
    assert_eq!(header(&answer, "content-type").as_deref(), Some("application/problem+json"));
    let Ok(body) = actix_web::body::to_bytes(answer.into_body()).await else { panic!("a body") };
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["type"], "/problems/rate-limited");
}

#[actix_web::test]
async fn as_many_calls_as_the_burst_pass_and_then_one_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    users(&oubli, &["ada", "bob"]).await;
    let (app, seconds) = limited!(&oubli);
    let (ada, bob) = (sign_in!(&app, "ada"), sign_in!(&app, "bob"));
    for left in [2, 1, 0] {
        let answer = call!(&app, apps(&ada));
        assert_eq!(answer.status().as_u16(), 200);
        assert_eq!(header(&answer, "ratelimit-policy").unwrap(), r#""caller";q=3;w=3"#);
        let told = format!(r#""caller";r={left};t={}"#, 3 - left);
        assert_eq!(header(&answer, "ratelimit"), Some(told));
        assert_eq!(header(&answer, "retry-after"), None);
    }
    expect_limited(call!(&app, apps(&ada)), "1").await;
    assert_eq!(call!(&app, apps(&bob)).status().as_u16(), 200, "another caller has its own");
    seconds.store(1, Ordering::Relaxed);
    assert_eq!(call!(&app, apps(&ada)).status().as_u16(), 200);
    expect_limited(call!(&app, apps(&ada)), "1").await;
}

#[actix_web::test]
async fn one_without_a_valid_token_is_nobody_to_be_counted() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    let (app, _) = limited!(&oubli);
    for _ in 0..5 {
        let answer = call!(&app, apps("forged"));
        assert_eq!(answer.status().as_u16(), 401);
        assert_eq!(header(&answer, "ratelimit"), None);
    }
}

#[actix_web::test]
async fn secrets_are_tried_no_faster_than_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    users(&oubli, &["ada"]).await;
    let (app, seconds) = limited!(&oubli);
    let token = || {
        TestRequest::post()
            .uri("/oauth2/token")
            .insert_header((CONTENT_TYPE, "application/x-www-form-urlencoded"))
            .set_payload("grant_type=client_credentials&client_id=shop.1&client_secret=x")
    };
    for _ in 0..3 {
        assert_eq!(call!(&app, login("ada", "wrong")).status().as_u16(), 401);
        assert_eq!(call!(&app, token()).status().as_u16(), 401);
    }
    expect_limited(call!(&app, login("ada", PASSWORD)), "1").await;
    expect_limited(call!(&app, token()), "1").await;
    seconds.store(1, Ordering::Relaxed);
    assert_eq!(call!(&app, login("ada", PASSWORD)).status().as_u16(), 200);
}

#[actix_web::test]
async fn who_signed_out_is_counted_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    users(&oubli, &["ada"]).await;
    let (app, _) = limited!(&oubli);
    let ada = sign_in!(&app, "ada");
    let out = TestRequest::post().uri("/v1/staff/logout");
    let out = call!(&app, out.insert_header((AUTHORIZATION, format!("Bearer {ada}"))));
    assert_eq!(out.status().as_u16(), 204);
    for _ in 0..5 {
        let answer = call!(&app, apps(&ada));
        assert_eq!((answer.status().as_u16(), header(&answer, "ratelimit")), (401, None));
    }
}
