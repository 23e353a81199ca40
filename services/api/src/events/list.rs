//! `GET /v1/apps/{app}/events`

use actix_web::{HttpResponse, get, web};
use oubli_app::events;
use oubli_domain::SubjectId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::filter::{Filter, Include};
use super::wire::Event;
use crate::extract::{Granted, Page, PageQuery, cursor, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Which events, and which page of them.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct EventsQuery {
    /// Those about one subject. Nobody can tell which events are about an erased person.
    #[param(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// Those of one actor: `client:` or `staff:` and an id, or `system`.
    #[param(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    actor: Option<String>,
    /// Those of one type.
    #[serde(rename = "type")]
    #[param(example = "record.read")]
    kind: Option<String>,
    /// Those from this time on (RFC 3339).
    #[param(format = DateTime, example = "2026-01-01T00:00:00Z")]
    from: Option<String>,
    /// Those before this time (RFC 3339).
    #[param(format = DateTime, example = "2026-02-01T00:00:00Z")]
    to: Option<String>,
    /// `payload`: with what goes with the person, while the person is there.
    #[param(value_type = Option<String>, example = "payload")]
    include: Option<Include>,
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

impl EventsQuery {
    fn split(self) -> (Filter, PageQuery) {
        let Self { subject, actor, kind, from, to, include, cursor, limit } = self;
        let filter = Filter { subject, actor, kind, from, to, include };
        (filter, PageQuery::new(cursor, limit))
    }
}

/// Read the log
///
/// Oldest first, a page at a time; each parameter narrows the list. A search for a subject or for
/// payloads is itself in the log, once for each page, and ends with the newest event that there was
/// at its first page. Problems: `invalid-query` when `from` is not before `to`, or for an actor or a
/// type that cannot be, `invalid-time`, `invalid-cursor`, `client-not-found` for a client of another
/// app, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Log",
    params(("app" = String, Path, description = "The app"), EventsQuery),
    responses(
        (status = 200, description = "A page", body = Page<Event>),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["audit:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/events")]
pub(crate) async fn list_events(
    api: web::Data<Api>,
    granted: Granted<scopes::AuditRead>,
    query: web::Query<EventsQuery>,
) -> Answer {
    let (filter, page) = query.into_inner().split();
    let (after, limit) = (page.after()?, page.limit()?);
    let found = events::list(&api.oubli, &granted.caller, &filter.read()?, after, limit).await?;
    Ok(HttpResponse::Ok().json(Page {
        items: found.events.into_iter().map(Event::from).collect(),
        next: found.next.map(|position| cursor(&position.to_string())),
    }))
}
