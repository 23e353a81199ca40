//! The pages for people, through the real routes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "pages ask for no password")]
mod common;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web;
use oubli_api::{Api, Limits, RateLimits, routes, unmatched};
use oubli_domain::Code;
use serde_json::Value;
use utoipa_actix_web::AppExt;

use common::service;

struct Page {
    status: u16,
    kind: String,
    policy: String,
    allow: String,
    cached: bool,
    text: String,
}

/// Asks the service for each path, with a method and an `Accept`.
async fn ask(calls: &[(Method, &str, &str)]) -> Vec<Page> {
    let dir = tempfile::tempdir().unwrap();
    let oubli = service(&dir).await;
    let api = Api::new(Arc::clone(&oubli), Limits::default(), RateLimits::default());
    let app = actix_web::App::new().app_data(web::Data::new(api));
    let app = app.into_utoipa_app().configure(routes).into_app();
    let app = init_service(app.default_service(web::to(unmatched))).await;
    let mut pages = Vec::new();
    for (method, path, accept) in calls {
        let request = TestRequest::with_uri(path).method(method.clone());
        let request = request.insert_header((ACCEPT, *accept)).to_request();
        let answer = call_service(&app, request).await;
        let header = |name| {
            let value = answer.headers().get(name);
            value.map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        pages.push(Page {
            status: answer.status().as_u16(),
            kind: header(CONTENT_TYPE),
            policy: header(CONTENT_SECURITY_POLICY),
            allow: header(ALLOW),
            cached: header(CACHE_CONTROL).starts_with("public, max-age="),
            text: String::from_utf8_lossy(&read_body(answer).await).into_owned(),
        });
    }
    pages
}

const HTML: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

#[actix_web::test]
async fn every_problem_has_a_page() {
    let paths: Vec<String> =
        Code::ALL.iter().map(|code| format!("/problems/{}", code.slug())).collect();
    let calls: Vec<_> = paths.iter().map(|path| (Method::GET, path.as_str(), HTML)).collect();
    for (code, page) in Code::ALL.iter().zip(ask(&calls).await) {
        assert_eq!((page.status, page.kind.as_str()), (200, "text/html; charset=utf-8"));
        assert!(page.cached && page.policy.starts_with("default-src 'none';"));
        assert!(page.text.contains(code.title()) && !page.text.contains("<script"), "{code:?}");
        assert!(!code.meaning().is_empty() && !code.remedy().is_empty(), "{code:?}");
    }
}

#[actix_web::test]
async fn programs_get_json() {
    let list = "/problems";
    let calls = [
        (Method::GET, list, "application/json"),
        (Method::GET, "/problems/login-failed", "application/json, text/html;q=0.5"),
    ];
    let pages = ask(&calls).await;
    let [all, one] = [0, 1].map(|n| serde_json::from_str::<Value>(&pages[n].text).unwrap());
    assert_eq!(all["items"].as_array().unwrap().len(), Code::ALL.len());
    assert_eq!(one["type"], "/problems/login-failed");
    assert_eq!((&one["status"], &one["operations"][0]), (&401.into(), &"login".into()));
    assert!(pages.iter().all(|page| page.cached && page.kind == "application/json"));
}

#[actix_web::test]
async fn whoever_takes_anything_or_something_odd_gets_the_page() {
    let calls = ["*/*", "image/png", ";;,", "text/html;q=0.5, application/json;q=0.1"]
        .map(|accept| (Method::GET, "/problems/held", accept));
    for page in ask(&calls).await {
        assert_eq!((page.status, page.kind.as_str()), (200, "text/html; charset=utf-8"));
    }
}

#[actix_web::test]
async fn what_is_not_there_is_not_found_and_pages_are_only_read() {
    let missing = ["/problems/no-such-slug", "/docs/no-such.js", "/docs/../Cargo.toml"]
        .map(|path| (Method::GET, path, HTML));
    for page in ask(&missing).await {
        assert_eq!((page.status, page.kind.as_str()), (404, "application/problem+json"));
    }
    let heads = ["/", "/problems", "/problems/held", "/docs/", "/pages/style.css"]
        .map(|path| (Method::HEAD, path, HTML));
    for page in ask(&heads).await {
        assert!(page.status == 200 && page.cached);
    }
    let written = ["/", "/problems", "/docs/"].map(|path| (Method::POST, path, HTML));
    for page in ask(&written).await {
        assert_eq!(page.status, 405);
        assert!(page.allow.contains("GET"));
    }
}

#[actix_web::test]
async fn the_reference_comes_out_of_the_binary() {
    let calls = [
        "/docs/",
        "/docs/swagger-initializer.js",
        "/docs/swagger-ui-bundle.js",
        "/docs/swagger-ui.css",
    ]
    .map(|path| (Method::GET, path, HTML));
    let pages = ask(&calls).await;
    for page in &pages {
        assert!(page.status == 200 && page.cached && page.policy.contains("script-src 'self'"));
    }
    assert!(pages[1].text.contains("/openapi.json"));
    assert!(!pages[0].text.contains("https://"), "nothing is loaded from elsewhere");
    let docs = ask(&[(Method::GET, "/docs", HTML)]).await;
    assert_eq!(docs[0].status, 308);
}
