//! Pages for people: a front page, what each problem means, and the API reference. All of them come
//! out of the binary, load nothing from elsewhere and hold no data of anyone.

mod html;
mod problems;
mod reference;

use actix_web::guard::{Any, Get, Head};
use actix_web::http::header::{ALLOW, CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, Resource, ResponseError, web};
use oubli_domain::Code;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::problem::Problem;

/// For how long a page may be held: it changes with the binary alone.
const CACHED: &str = "public, max-age=3600";
const STYLE: &str = include_str!("style.css");
const STYLE_PATH: &str = "/pages/style.css";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(problems::list).service(problems::one).map(|config| {
        config
            .service(page("/", web::to(front)))
            .service(page(STYLE_PATH, web::to(style)))
            .service(page("/docs", web::to(reference::begin)))
            .service(page("/docs/{file:.*}", web::to(reference::file)))
    });
}

/// A page at a path that belongs to no operation.
fn page(path: &str, route: actix_web::Route) -> Resource {
    web::resource(path)
        .route(route.guard(Any(Get()).or(Head())))
        .default_service(web::to(only_read))
}

async fn only_read() -> HttpResponse {
    let mut answer = Problem::from(Code::MethodNotAllowed).error_response();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    answer
}

async fn style() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((CACHE_CONTROL, CACHED))
        .body(STYLE)
}

async fn front() -> HttpResponse {
    html::page(
        "Oubli",
        "<p>Stores personal data and consents encrypted, answers for which purpose a person's data \
         may be read, exports it and erases it with a signed certificate.</p>\
         <ul><li><a href=\"/docs/\">API reference</a>: every operation, with examples</li>\
         <li><a href=\"/openapi.json\">OpenAPI document</a>, for tools</li>\
         <li><a href=\"/problems\">Problems</a>: what each error means and what to do about it</li>\
         <li><a href=\"/health/ready\">Health</a>: whether the service can serve</li></ul>",
    )
}
