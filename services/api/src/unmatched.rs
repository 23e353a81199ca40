//! Paths and methods that no endpoint has.

use actix_web::http::header::ALLOW;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use oubli_domain::Code;

use crate::openapi;
use crate::problem::Problem;

/// Answers 405 with the methods that a path has, or 404 when there is no such path.
pub async fn unmatched(request: HttpRequest) -> HttpResponse {
    let allowed = openapi::methods_of(request.path());
    if allowed.is_empty() {
        return Problem::from(Code::NoSuchPath).error_response();
    }
    let mut answer = Problem::from(Code::MethodNotAllowed).error_response();
    if let Ok(methods) = allowed.join(", ").parse() {
        answer.headers_mut().insert(ALLOW, methods);
    }
    answer
}

/// Tells actix-web's own extractors to answer with problem documents.
pub(crate) fn extractors(config: &mut web::ServiceConfig) {
    config
        .app_data(
            web::PathConfig::default().error_handler(|_, _| Problem::from(Code::InvalidId).into()),
        )
        .app_data(
            web::QueryConfig::default()
                .error_handler(|_, _| Problem::from(Code::InvalidQuery).into()),
        );
}
