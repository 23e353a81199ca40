//! `GET /v1/apps/{app}/data-map/versions/{version}`

use actix_web::{HttpResponse, get, web};
use oubli_app::data_map;
use serde::Deserialize;

use super::wire::StoredDataMap;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

#[derive(Deserialize)]
struct VersionPath {
    version: i64,
}

/// Get a version of the data map
///
/// Problems: `data-map-not-found`.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app"),
        ("version" = i64, Path, description = "The version's number")),
    responses((status = 200, description = "The version", body = StoredDataMap)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/data-map/versions/{version}")]
pub(crate) async fn get_data_map_version(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    path: web::Path<VersionPath>,
) -> Answer {
    let stored = data_map::get(&api.oubli, &granted.caller, Some(path.version)).await?;
    Ok(HttpResponse::Ok().json(StoredDataMap::from(stored)))
}
