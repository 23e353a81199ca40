//! `GET /v1/apps/{app}/subjects/{subject}/consents`

use actix_web::{HttpResponse, get, web};
use oubli_app::consents::{self, AsOf, PurposeConsent};
use oubli_domain::{Name, Time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::wire::{EventView, SubjectPath};
use crate::extract::{Granted, Page, scopes};
use crate::problem::{Answer, Problem};
use crate::state::Api;

/// Which state is asked for; the one now unless something is given.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AsOfQuery {
    /// What was true then (RFC 3339); `known_at` when only that is given.
    #[param(format = DateTime)]
    at: Option<String>,
    /// What the service knew then (RFC 3339).
    #[param(format = DateTime)]
    known_at: Option<String>,
}

impl AsOfQuery {
    fn read(&self) -> Result<AsOf, Problem> {
        let time = |text: &Option<String>| text.as_deref().map(Time::parse).transpose();
        Ok(AsOf { at: time(&self.at)?, known_at: time(&self.known_at)? })
    }
}

/// The state of one purpose.
#[derive(Serialize, ToSchema)]
struct ConsentState {
    /// The purpose.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
    /// Whether the data map in force has it as a purpose that rests on consent. Where it has not,
    /// nothing may be done for it whatever the state.
    in_force: bool,
    /// `none`, `granted`, `refused`, `withdrawn`, `expired` or `outdated`.
    #[schema(example = "granted")]
    state: &'static str,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<Time>,
    /// When a grant ends or ended by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Time>,
    /// The event that decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<EventView>,
}

impl From<PurposeConsent> for ConsentState {
    fn from(state: PurposeConsent) -> Self {
        let PurposeConsent { purpose, in_force, consent } = state;
        Self {
            purpose,
            in_force,
            state: consent.state.as_str(),
            since: consent.since,
            expires_at: consent.expires_at,
            event: consent.event.map(EventView::from),
        }
    }
}

/// Get the consents of a subject
///
/// Every purpose that rests on consent and every one that the person has a history of, on one
/// page, by name: now, or as it was true or known in the past. The read is logged. Problems:
/// `invalid-time`, `future-time`, `data-map-not-found`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        AsOfQuery),
    responses((status = 200, description = "The states", body = Page<ConsentState>),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json")),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/consents")]
pub(crate) async fn get_consents(
    api: web::Data<Api>,
    granted: Granted<scopes::ConsentsRead>,
    path: web::Path<SubjectPath>,
    query: web::Query<AsOfQuery>,
) -> Answer {
    let as_of = query.read()?;
    let states = consents::state(&api.oubli, &granted.caller, path.subject, as_of).await?;
    let items: Vec<ConsentState> = states.into_iter().map(ConsentState::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}
