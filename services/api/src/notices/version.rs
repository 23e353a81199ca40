//! `GET /v1/apps/{app}/notices/{notice}/versions/{version}`

use actix_web::{HttpResponse, get, web};
use oubli_app::notices;
use oubli_domain::Name;
use serde::Deserialize;

use super::wire::Notice;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

#[derive(Deserialize)]
struct VersionPath {
    notice: Name,
    version: i64,
}

/// Get a version of a notice
///
/// What a consent under this version was given to. Problems: `notice-not-found`.
#[utoipa::path(
    tag = "Notices",
    params(("app" = String, Path, description = "The app"),
        ("notice" = String, Path, description = "The notice's name"),
        ("version" = i64, Path, description = "The version's number")),
    responses((status = 200, description = "The version", body = Notice)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/notices/{notice}/versions/{version}")]
pub(crate) async fn get_notice_version(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    path: web::Path<VersionPath>,
) -> Answer {
    let version = Some(path.version);
    let stored = notices::get(&api.oubli, &granted.caller, &path.notice, version).await?;
    Ok(HttpResponse::Ok().json(Notice::from(stored)))
}
