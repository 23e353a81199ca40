//! `GET /docs/`: the API reference, Swagger UI out of the binary over the document that is served.

use std::sync::Arc;

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
};
use actix_web::{HttpResponse, web};
use oubli_domain::Code;
use utoipa_swagger_ui::Config;

use super::CACHED;
use crate::problem::Answer;

/// Scripts, styles and the document come from this service; calls that a reader tries out go to it.
/// Swagger UI sets styles on elements and draws its icons from `data:` URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The files of the page name each other relatively, so it lives below a slash.
pub(super) async fn begin() -> HttpResponse {
    HttpResponse::PermanentRedirect()
        .insert_header((LOCATION, "/docs/"))
        .insert_header((CACHE_CONTROL, CACHED))
        .finish()
}

/// A file of Swagger UI.
pub(super) async fn file(name: web::Path<String>) -> Answer {
    // The validator badge would send the document's address to another host.
    let config = Config::from("/openapi.json").validator_url("none").deep_linking(true);
    let found = utoipa_swagger_ui::serve(&name, Arc::new(config));
    let file = found.map_err(|_| Code::Internal)?.ok_or(Code::NoSuchPath)?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.content_type))
        .insert_header((CACHE_CONTROL, CACHED))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(file.bytes.into_owned()))
}
