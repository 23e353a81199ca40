//! `GET /v1/apps/{app}/subjects/{subject}/purposes`

use actix_web::{HttpResponse, get, web};
use oubli_app::purposes::{self, PurposeStanding};
use oubli_domain::consent::NotPermitted;
use oubli_domain::{Name, SubjectId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Granted, Page, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Where one purpose stands for a person.
#[derive(Serialize, ToSchema)]
struct Standing {
    /// The purpose.
    #[schema(value_type = String, example = "delivery")]
    purpose: Name,
    /// What makes it lawful (Art. 6(1)).
    #[schema(example = "contract")]
    lawful_basis: &'static str,
    /// Whether data may be processed for it now.
    #[schema(example = false)]
    permitted: bool,
    /// The first reason against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ended")]
    reason: Option<&'static str>,
    /// When the app ended it for this person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    ended_at: Option<Time>,
}

impl From<PurposeStanding> for Standing {
    fn from(standing: PurposeStanding) -> Self {
        let PurposeStanding { purpose, lawful_basis, checked, ended_at } = standing;
        Self {
            purpose,
            lawful_basis: lawful_basis.as_str(),
            permitted: checked.permitted,
            reason: checked.reason.map(NotPermitted::as_str),
            ended_at,
        }
    }
}

/// List where the purposes stand for a subject
///
/// Every purpose in force on one page, by name, and whether it holds now, as a check would say. The
/// read is logged. Problems: `data-map-not-found`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id")),
    responses((status = 200, description = "The purposes", body = Page<Standing>)),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/purposes")]
pub(crate) async fn list_standings(
    api: web::Data<Api>,
    granted: Granted<scopes::ConsentsRead>,
    path: web::Path<(String, SubjectId)>,
) -> Answer {
    let standings = purposes::standings(&api.oubli, &granted.caller, path.1).await?;
    let items: Vec<Standing> = standings.into_iter().map(Standing::from).collect();
    Ok(HttpResponse::Ok().json(Page { items, next: None }))
}
