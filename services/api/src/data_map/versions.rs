//! `GET /v1/apps/{app}/data-map/versions`

use actix_web::{HttpResponse, get, web};
use oubli_app::data_map;

use super::wire::DataMapInfo;
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List the versions of the data map
///
/// Without their documents, oldest first.
#[utoipa::path(
    tag = "Data map",
    params(("app" = String, Path, description = "The app"), PageQuery),
    responses((status = 200, description = "A page", body = Page<DataMapInfo>)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/data-map/versions")]
pub(crate) async fn list_data_maps(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?.unwrap_or(0), query.limit()?);
    let versions = data_map::list(&api.oubli, &granted.caller, after, limit).await?;
    let items = versions.into_iter().map(DataMapInfo::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |v: &DataMapInfo| v.version.to_string())))
}
