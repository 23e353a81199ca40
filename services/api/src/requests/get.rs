//! `GET /v1/apps/{app}/requests/{request}`

use actix_web::{HttpResponse, get, web};
use oubli_app::requests;
use oubli_domain::RequestId;

use super::wire::Request;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get a request
///
/// Its state, and what it made. Problems: `request-not-found`.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"),
        ("request" = String, Path, description = "The request's id")),
    responses((status = 200, description = "The request", body = Request)),
    security(("oauth2" = ["requests:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/requests/{request}")]
pub(crate) async fn get_request(
    api: web::Data<Api>,
    granted: Granted<scopes::RequestsRead>,
    path: web::Path<(String, RequestId)>,
) -> Answer {
    let details = requests::get(&api.oubli, &granted.caller, path.1).await?;
    Ok(HttpResponse::Ok().json(Request::from(details)))
}
