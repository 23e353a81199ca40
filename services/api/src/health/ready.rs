//! `GET /health/ready`

use actix_web::{HttpResponse, get, web};
use oubli_app::health;

use crate::state::Api;

/// Whether the service can serve
///
/// `status` is `pass` when every one of `checks` passes: `data_database`, `keys_database`,
/// `root_key`, `job_worker` and `version`.
#[utoipa::path(tag = "Service", responses(
    (status = 200, description = "It can", body = Value,
        example = json!({ "status": "pass", "checks": { "data_database": { "status": "pass" } } })),
    (status = 503, description = "It cannot; the body says which check failed", body = Value,
        example = json!({ "status": "fail", "checks": { "data_database": { "status": "fail" } } })),
))]
#[get("/health/ready")]
pub(crate) async fn ready(api: web::Data<Api>) -> HttpResponse {
    let readiness = health::ready(&api.oubli, env!("CARGO_PKG_VERSION")).await;
    if readiness.is_ready() {
        HttpResponse::Ok().json(readiness)
    } else {
        HttpResponse::ServiceUnavailable().json(readiness)
    }
}
