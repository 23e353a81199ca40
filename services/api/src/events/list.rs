//! `GET /v1/apps/{app}/events`

use actix_web::{HttpResponse, get, web};
use oubli_app::events;
use oubli_domain::{Code, EventId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::{Answer, Problem};
use crate::state::Api;

/// One event of the log.
#[derive(Serialize, ToSchema)]
struct Event {
    /// Its id.
    #[schema(value_type = String, example = "evt_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    event: EventId,
    /// The leaf. What is hashed is its RFC 8785 form. It holds no personal data.
    #[schema(value_type = Object)]
    leaf: Value,
}

/// Read the log
///
/// Oldest first, a page at a time.
#[utoipa::path(
    tag = "Log",
    params(("app" = String, Path, description = "The app"), PageQuery),
    responses((status = 200, description = "A page", body = Page<Event>)),
    security(("oauth2" = ["audit:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/events")]
pub(crate) async fn list_events(
    api: web::Data<Api>,
    granted: Granted<scopes::AuditRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let found = events::list(&api.oubli, &granted.caller, after, limit).await?;
    let items = found.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &Event| item.event.to_string())))
}

fn read((event, leaf): (EventId, String)) -> Result<Event, Problem> {
    let leaf = serde_json::from_str(&leaf).map_err(|_| Code::Internal)?;
    Ok(Event { event, leaf })
}
