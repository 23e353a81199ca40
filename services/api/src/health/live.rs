//! `GET /health/live`

use actix_web::{HttpResponse, get};
use serde_json::json;

/// Whether the process runs
///
/// Asks nothing that could fail: a process that does not answer is to be started anew.
#[utoipa::path(tag = "Service", responses(
    (status = 200, description = "It runs", body = Value, example = json!({ "status": "pass" })),
))]
#[get("/health/live")]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "pass" }))
}
