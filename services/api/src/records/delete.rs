//! `DELETE /v1/apps/{app}/subjects/{subject}/records/{category}/{record}`

use actix_web::{HttpResponse, delete, web};
use oubli_app::records;

use super::wire::RecordPath;
use crate::extract::{Condition, Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Delete a record
///
/// Its history stays, without values, until the person is erased. Problems: `record-not-found`,
/// `version-mismatch`, `held`, `subject-not-found`, `subject-erasing`, `subject-restricted`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("category" = String, Path, description = "A category of the data map"),
        ("record" = String, Path, description = "The record's id"),
        ("If-Match" = Option<String>, Header, description = "The version that must be there, or *")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 412, description = "The record has another version",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["records:write"])),
)]
#[delete("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
pub(crate) async fn delete_record(
    api: web::Data<Api>,
    write: Write<scopes::RecordsWrite, ()>,
    path: web::Path<RecordPath>,
    condition: Condition,
) -> Answer {
    let key = path.into_inner().into();
    records::delete(&api.oubli, &write.call, &key, condition.0).await?;
    Ok(HttpResponse::NoContent().finish())
}
