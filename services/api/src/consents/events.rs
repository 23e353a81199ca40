//! `GET /v1/apps/{app}/subjects/{subject}/consents/events`

use actix_web::{HttpResponse, get, web};
use oubli_app::consents;

use super::wire::{Cursor, EventView, SubjectPath};
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List the consent events of a subject
///
/// In the order in which the service learned of them. The read is logged. Problems:
/// `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        PageQuery),
    responses((status = 200, description = "A page", body = Page<EventView>),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json")),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/consents/events")]
pub(crate) async fn list_consent_events(
    api: web::Data<Api>,
    granted: Granted<scopes::ConsentsRead>,
    path: web::Path<SubjectPath>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after::<Cursor>()?.map(|cursor| cursor.0), query.limit()?);
    let events = consents::history(&api.oubli, &granted.caller, path.subject, after, limit).await?;
    let items = events.into_iter().map(EventView::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, EventView::cursor)))
}
