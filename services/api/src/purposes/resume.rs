//! `DELETE /v1/apps/{app}/subjects/{subject}/purposes/{purpose}/end`

use actix_web::{HttpResponse, delete, web};
use oubli_app::purposes;

use super::wire::SubjectPurposePath;
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Take back the end of a purpose for a subject
///
/// The contract with this person goes on, or there is a new one. Where nothing was ended, nothing
/// changes. Problems: `purpose-not-found`, `purpose-not-contract`, `data-map-not-found`,
/// `subject-not-found`, `subject-erasing`, `subject-restricted`.
#[utoipa::path(
    tag = "Purposes",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("purpose" = String, Path, description = "A purpose under contract")),
    responses((status = 204, description = "It goes on"),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json")),
    security(("oauth2" = ["subjects:write"])),
)]
#[delete("/v1/apps/{app}/subjects/{subject}/purposes/{purpose}/end")]
pub(crate) async fn resume_purpose(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, ()>,
    path: web::Path<SubjectPurposePath>,
) -> Answer {
    purposes::resume(&api.oubli, &write.call, path.subject, &path.purpose).await?;
    Ok(HttpResponse::NoContent().finish())
}
