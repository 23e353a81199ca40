//! `GET /v1/apps/{app}/data-map`

use actix_web::{HttpResponse, get, web};
use oubli_app::data_map;

use super::wire::StoredDataMap;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get the data map in force
///
/// Problems: `data-map-not-found` before the first one was put.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app")),
    responses((status = 200, description = "The data map in force", body = StoredDataMap)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/data-map")]
pub(crate) async fn get_data_map(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
) -> Answer {
    let stored = data_map::get(&api.oubli, &granted.caller, None).await?;
    Ok(HttpResponse::Ok().json(StoredDataMap::from(stored)))
}
