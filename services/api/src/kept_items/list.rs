//! `GET /v1/apps/{app}/kept-items`

use actix_web::{HttpResponse, get, web};
use oubli_app::kept_items::{self, Filter};
use oubli_domain::{HoldId, RequestId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::StoredItem;
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which items.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeptItemsQuery {
    /// Those that one erasure kept.
    #[param(value_type = Option<String>)]
    request: Option<RequestId>,
    /// Those that one hold keeps.
    #[param(value_type = Option<String>)]
    hold: Option<HoldId>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List kept items
///
/// What stays of people who were erased, without values: oldest first, a page at a time. Staff only.
/// Problems: `hold-not-found`.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app"), KeptItemsQuery),
    responses((status = 200, description = "A page", body = Page<StoredItem>)),
    security(("staff" = ["holds:read"])),
)]
#[get("/v1/apps/{app}/kept-items")]
pub(crate) async fn list_kept_items(
    api: web::Data<Api>,
    granted: Granted<scopes::HoldsRead>,
    query: web::Query<KeptItemsQuery>,
) -> Answer {
    let KeptItemsQuery { request, hold, cursor, limit } = query.into_inner();
    let page = PageQuery::new(cursor, limit);
    let (after, limit) = (page.after()?, page.limit()?);
    let filter = Filter { request, hold };
    let found = kept_items::list(&api.oubli, &granted.caller, filter, after, limit).await?;
    let items = found.into_iter().map(StoredItem::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &StoredItem| item.item.to_string())))
}
