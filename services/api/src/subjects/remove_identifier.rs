//! `DELETE /v1/apps/{app}/subjects/{subject}/identifiers/{identifier}`

use actix_web::{HttpResponse, delete, web};
use oubli_app::subjects;
use oubli_domain::{IdentifierId, SubjectId};

use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Remove an identifier
///
/// It finds nobody from now on, and may be given to another subject. Problems:
/// `identifier-not-found`, `held` where a legal hold covers the whole person, `subject-not-found`,
/// `subject-erasing`.
#[utoipa::path(
    tag = "Subjects",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("identifier" = String, Path, description = "The identifier's id")),
    responses((status = 204, description = "Removed")),
    security(("oauth2" = ["subjects:write"])),
)]
#[delete("/v1/apps/{app}/subjects/{subject}/identifiers/{identifier}")]
pub(crate) async fn remove_identifier(
    api: web::Data<Api>,
    write: Write<scopes::SubjectsWrite, ()>,
    path: web::Path<(String, SubjectId, IdentifierId)>,
) -> Answer {
    subjects::remove(&api.oubli, &write.call, path.1, path.2).await?;
    Ok(HttpResponse::NoContent().finish())
}
