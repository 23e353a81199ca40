//! `PUT /v1/apps/{app}/settings`

use actix_web::{HttpResponse, put, web};
use oubli_app::apps;

use super::wire::AppSettings;
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Put the settings
///
/// Replaces them whole. Problems: `invalid-body`.
#[utoipa::path(
    tag = "Apps",
    params(("app" = String, Path, description = "The app")),
    request_body = AppSettings,
    responses((status = 200, description = "The settings in force from now on", body = AppSettings)),
    security(("oauth2" = ["app:write"]), ("staff" = [])),
)]
#[put("/v1/apps/{app}/settings")]
pub(crate) async fn put_settings(
    api: web::Data<Api>,
    write: Write<scopes::AppWrite, AppSettings>,
) -> Answer {
    let settings = apps::put_settings(&api.oubli, &write.call, write.body.into()).await?;
    Ok(HttpResponse::Ok().json(AppSettings::from(settings)))
}
