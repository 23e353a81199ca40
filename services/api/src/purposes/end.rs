//! `PUT /v1/apps/{app}/subjects/{subject}/purposes/{purpose}/end`

use actix_web::{HttpResponse, put, web};
use oubli_app::purposes::{self, Ended};
use oubli_domain::{Name, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::wire::SubjectPurposePath;
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A purpose that has ended for a person.
#[derive(Serialize, ToSchema)]
struct EndedPurpose {
    /// The purpose.
    #[schema(value_type = String, example = "delivery")]
    purpose: Name,
    /// Since when.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    ended_at: Time,
}

/// End a purpose for a subject
///
/// For a purpose under contract (Art. 6(1)(b)) when the contract with this person is over: from the
/// answer on it does not hold. Ending it again changes nothing. Problems: `purpose-not-found`,
/// `purpose-not-contract`, `data-map-not-found`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("purpose" = String, Path, description = "A purpose under contract")),
    responses((status = 200, description = "It has ended", body = EndedPurpose)),
    security(("oauth2" = ["subjects:write"])),
)]
#[put("/v1/apps/{app}/subjects/{subject}/purposes/{purpose}/end")]
pub(crate) async fn end_purpose(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, ()>,
    path: web::Path<SubjectPurposePath>,
) -> Answer {
    let Ended { purpose, ended_at } =
        purposes::end(&api.oubli, &write.call, path.subject, &path.purpose).await?;
    Ok(HttpResponse::Ok().json(EndedPurpose { purpose, ended_at }))
}
