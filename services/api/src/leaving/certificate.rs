//! `GET /v1/apps/{app}/deletion/certificate`

use actix_web::{HttpResponse, get, web};
use oubli_app::leaving;

use crate::extract::{GrantedLeaving, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the certificate of an app's deletion
///
/// A compact JWS (RFC 7515) that anyone can check offline with the keys at
/// `/.well-known/oubli-keys`, where those of deleted apps stay. Problems: `deletion-not-found`,
/// `certificate-not-found` until the deletion has come to its end.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The certificate", body = String,
        content_type = "application/jwt", example = "eyJhbGciOiJFZERTQSJ9.eyJ2Ijox….MEUC…")),
    security(("staff" = ["app:read"])),
)]
#[get("/v1/apps/{app}/deletion/certificate")]
pub(crate) async fn get_deletion_certificate(
    api: web::Data<Api>,
    granted: GrantedLeaving<scopes::AppRead>,
) -> Answer {
    let jws = leaving::certificate(&api.oubli, &granted.caller).await?;
    Ok(HttpResponse::Ok().content_type("application/jwt").body(jws))
}
