//! `GET /v1/apps/{app}/settings`

use actix_web::{HttpResponse, get, web};
use oubli_app::apps;

use super::wire::AppSettings;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the settings
///
/// Those in force; each that was never put has its default.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The settings in force", body = AppSettings)),
    security(("oauth2" = ["app:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/settings")]
pub(crate) async fn get_settings(api: web::Data<Api>, granted: Granted<scopes::AppRead>) -> Answer {
    let settings = apps::settings(&api.oubli, &granted.caller).await?;
    Ok(HttpResponse::Ok().json(AppSettings::from(settings)))
}
