//! `GET /v1/apps/{app}/holds`

use actix_web::{HttpResponse, get, web};
use oubli_app::holds::{self, Filter};
use oubli_domain::SubjectId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::{Hold, HoldState};
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which holds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct HoldsQuery {
    /// Those of one subject. The holds on an erased person belong to nobody.
    #[param(value_type = Option<String>)]
    subject: Option<SubjectId>,
    /// `standing` or `released`; both unless given.
    #[param(value_type = Option<String>, pattern = "^(standing|released)$", example = "standing")]
    state: Option<HoldState>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List legal holds
///
/// Oldest first, a page at a time, without their notes. Staff only.
#[utoipa::path(
    tag = "Holds",
    params(("app" = String, Path, description = "The app"), HoldsQuery),
    responses((status = 200, description = "A page", body = Page<Hold>)),
    security(("staff" = ["holds:read"])),
)]
#[get("/v1/apps/{app}/holds")]
pub(crate) async fn list_holds(
    api: web::Data<Api>,
    granted: Granted<scopes::HoldsRead>,
    query: web::Query<HoldsQuery>,
) -> Answer {
    let HoldsQuery { subject, state, cursor, limit } = query.into_inner();
    let page = PageQuery::new(cursor, limit);
    let (after, limit) = (page.after()?, page.limit()?);
    let filter = Filter { subject, standing: state.map(|state| state == HoldState::Standing) };
    let found = holds::list(&api.oubli, &granted.caller, filter, after, limit).await?;
    let items = found.into_iter().map(Hold::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &Hold| item.hold.to_string())))
}
