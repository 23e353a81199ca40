//! `GET /v1/apps/{app}/events`

use actix_web::{HttpResponse, get, web};
use oubli_app::events;
use oubli_domain::{Code, EventId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::{Answer, Problem};
use crate::state::Api;

/// Which events.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// The id of the last event seen: `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<EventId>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

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
    params(("app" = String, Path, description = "The app"), EventsQuery),
    responses((status = 200, description = "A page", body = Page<Event>)),
    security(("oauth2" = ["audit:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/events")]
pub(crate) async fn list_events(
    api: web::Data<Api>,
    granted: Granted<scopes::AuditRead>,
    query: web::Query<EventsQuery>,
) -> Answer {
    let limit = PageQuery::new(None, query.limit).limit()?;
    let found = events::list(&api.oubli, &granted.caller, query.after, limit).await?;
    let items = found.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let full = items.len() >= limit as usize;
    let next = items.last().filter(|_| full).map(|last| last.event.to_string());
    Ok(HttpResponse::Ok().json(Page { items, next }))
}

fn read((event, leaf): (EventId, String)) -> Result<Event, Problem> {
    let leaf = serde_json::from_str(&leaf).map_err(|_| Code::Internal)?;
    Ok(Event { event, leaf })
}
