//! `GET /v1/apps/{app}/requests`

use actix_web::{HttpResponse, get, web};
use oubli_app::requests;
use oubli_domain::SubjectId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::wire::Request;
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which requests.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RequestsQuery {
    /// Those of one subject. The requests of an erased person belong to nobody.
    #[param(value_type = Option<String>)]
    subject: Option<SubjectId>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// List requests
///
/// Oldest first, a page at a time.
#[utoipa::path(
    tag = "Requests",
    params(("app" = String, Path, description = "The app"), RequestsQuery),
    responses((status = 200, description = "A page", body = Page<Request>)),
    security(("oauth2" = ["requests:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/requests")]
pub(crate) async fn list_requests(
    api: web::Data<Api>,
    granted: Granted<scopes::RequestsRead>,
    query: web::Query<RequestsQuery>,
) -> Answer {
    let query = query.into_inner();
    let page = PageQuery::new(query.cursor, query.limit);
    let (after, limit) = (page.after()?, page.limit()?);
    let found = requests::list(&api.oubli, &granted.caller, query.subject, after, limit).await?;
    let items = found.into_iter().map(Request::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &Request| item.request.to_string())))
}
