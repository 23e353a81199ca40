//! `GET /v1/apps/{app}/notices`

use actix_web::{HttpResponse, get, web};
use oubli_app::notices;

use super::wire::{Cursor, NoticeInfo};
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List notices
///
/// Every version of every notice, without texts, by name and number.
#[utoipa::path(
    tag = "Notices",
    params(("app" = String, Path, description = "The app"), PageQuery),
    responses((status = 200, description = "A page", body = Page<NoticeInfo>)),
    security(("oauth2" = ["data-map:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/notices")]
pub(crate) async fn list_notices(
    api: web::Data<Api>,
    granted: Granted<scopes::DataMapRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after::<Cursor>()?.map(|cursor| cursor.0), query.limit()?);
    let page = notices::list(&api.oubli, &granted.caller, after.as_ref(), limit).await?;
    let items = page.into_iter().map(NoticeInfo::from).collect();
    let key = |item: &NoticeInfo| format!("{}.{}", item.notice, item.version);
    Ok(HttpResponse::Ok().json(Page::of(items, limit, key)))
}
