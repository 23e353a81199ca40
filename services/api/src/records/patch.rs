//! `PATCH /v1/apps/{app}/subjects/{subject}/records/{category}/{record}`

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, patch, web};
use oubli_app::records;

use super::wire::{MergePatch, RecordPath, WrittenRecord};
use crate::extract::{Condition, Write, etag, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Patch a record
///
/// JSON Merge Patch (RFC 7396). Problems: `record-not-found`, `invalid-record`,
/// `version-mismatch`, `held` where a value under a legal hold would change or go,
/// `subject-not-found`, `subject-erasing`, `subject-restricted`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("category" = String, Path, description = "A category of the data map"),
        ("record" = String, Path, description = "The record's id"),
        ("If-Match" = Option<String>, Header, description = "The version that must be there, or *")),
    request_body(content = MergePatch, content_type = "application/merge-patch+json"),
    responses(
        (status = 200, description = "Patched", body = WrittenRecord, headers(("ETag" = String, description = "The version"))),
        (status = 412, description = "The record has another version",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["records:write"])),
)]
#[patch("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
pub(crate) async fn patch_record(
    api: web::Data<Api>,
    write: Write<scopes::RecordsWrite, MergePatch>,
    path: web::Path<RecordPath>,
    condition: Condition,
) -> Answer {
    let key = path.into_inner().into();
    let written = records::patch(&api.oubli, &write.call, &key, write.body.0, condition.0).await?;
    Ok(HttpResponse::Ok()
        .insert_header((ETAG, etag(written.version)))
        .json(WrittenRecord::from(written)))
}
