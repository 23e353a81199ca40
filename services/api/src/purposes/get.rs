//! `GET /v1/apps/{app}/purposes/{purpose}`

use actix_web::{HttpResponse, get, web};
use oubli_app::purposes;

use super::wire::{Purpose, PurposePath};
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get a purpose in force
///
/// Problems: `purpose-not-found`, `data-map-not-found`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app"),
        ("purpose" = String, Path, description = "The purpose's name")),
    responses((status = 200, description = "The purpose", body = Purpose)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/purposes/{purpose}")]
pub(crate) async fn get_purpose(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    path: web::Path<PurposePath>,
) -> Answer {
    let purpose = purposes::get(&api.oubli, &granted.caller, &path.purpose).await?;
    Ok(HttpResponse::Ok().json(Purpose::from(purpose)))
}
