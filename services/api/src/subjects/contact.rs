//! `POST /v1/apps/{app}/subjects/{subject}/contacts`

use actix_web::{HttpResponse, post, web};
use oubli_app::subjects::{self, Contact};
use oubli_domain::{Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A contact that came from the person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewContact {
    /// When it was, not in the future; now unless given.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-15T12:00:00Z")]
    at: Option<Time>,
}

impl Input for NewContact {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// The last contact that is on record.
#[derive(Serialize, ToSchema)]
struct LastContact {
    /// When it was.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    last_contact: Time,
}

/// Record that a subject made contact
///
/// Retention that counts from the last contact counts from this one. The last contact never moves
/// back: an earlier one changes nothing. Problems: `future-time`, `subject-not-found`,
/// `subject-erasing`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id")),
    request_body = NewContact,
    responses((status = 200, description = "The last contact on record", body = LastContact)),
    security(("oauth2" = ["subjects:write"])),
)]
#[post("/v1/apps/{app}/subjects/{subject}/contacts")]
pub(crate) async fn record_contact(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, NewContact>,
    path: web::Path<(String, SubjectId)>,
) -> Answer {
    let Contact { last_contact } =
        subjects::contact(&api.oubli, &write.call, path.1, write.body.at).await?;
    Ok(HttpResponse::Ok().json(LastContact { last_contact }))
}
