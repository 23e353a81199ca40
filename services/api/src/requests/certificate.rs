//! `GET /v1/apps/{app}/requests/{request}/certificate`

use actix_web::{HttpResponse, get, web};
use oubli_app::requests;
use oubli_domain::RequestId;

use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the certificate of an erasure
///
/// A compact JWS (RFC 7515) that anyone can check offline with the keys at
/// `/.well-known/oubli-keys`. It names the request and never the person. Problems:
/// `request-not-found`, `certificate-not-found`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"),
        ("request" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The certificate", body = String,
        content_type = "application/jwt", example = "eyJhbGciOiJFZERTQSJ9.eyJ2Ijox….MEUC…")),
    security(("oauth2" = ["requests:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/requests/{request}/certificate")]
pub(crate) async fn get_certificate(
    api: web::Data<Api>,
    granted: Granted<scopes::RequestsRead>,
    path: web::Path<(String, RequestId)>,
) -> Answer {
    let jws = requests::certificate(&api.oubli, &granted.caller, path.1).await?;
    Ok(HttpResponse::Ok().content_type("application/jwt").body(jws))
}
