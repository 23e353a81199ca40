//! `GET /v1/apps/{app}/notices/{notice}`

use actix_web::{HttpResponse, get, web};
use oubli_app::notices;
use oubli_domain::Name;
use serde::Deserialize;

use super::wire::Notice;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

#[derive(Deserialize)]
struct NoticePath {
    notice: Name,
}

/// Get the newest version of a notice
///
/// Problems: `notice-not-found`.
#[utoipa::path(
    tag = "Notices",
    params(("app" = String, Path, description = "The app"),
        ("notice" = String, Path, description = "The notice's name")),
    responses((status = 200, description = "The newest version", body = Notice)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/notices/{notice}")]
pub(crate) async fn get_notice(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    path: web::Path<NoticePath>,
) -> Answer {
    let stored = notices::get(&api.oubli, &granted.caller, &path.notice, None).await?;
    Ok(HttpResponse::Ok().json(Notice::from(stored)))
}
