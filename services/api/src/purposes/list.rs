//! `GET /v1/apps/{app}/purposes`

use actix_web::{HttpResponse, get, web};
use oubli_app::purposes;

use super::wire::Purpose;
use crate::extract::{Granted, Page, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List the purposes in force
///
/// All of them on one page, by name. Problems: `data-map-not-found`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The purposes", body = Page<Purpose>)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/purposes")]
pub(crate) async fn list_purposes(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
) -> Answer {
    let purposes = purposes::list(&api.oubli, &granted.caller).await?;
    let items: Vec<Purpose> = purposes.into_iter().map(Purpose::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}
