//! `PUT /v1/apps/{app}/subjects/{subject}/records/{category}/{record}`

use actix_web::http::header::ETAG;
use actix_web::{HttpResponse, put, web};
use oubli_app::records;

use super::wire::{RecordBody, RecordPath, WrittenRecord};
use crate::extract::{Condition, Write, etag, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Put a record
///
/// Creates it, or replaces its whole body. Every value is encrypted under the person's own key.
/// Problems: `unknown-category`, `invalid-record`, `version-mismatch`, `held` where a value under a
/// legal hold would change or go, `subject-not-found`, `subject-erasing`, `subject-restricted`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("category" = String, Path, description = "A category of the data map"),
        ("record" = String, Path, description = "1 to 64 of A-Z, a-z, 0-9, _ and -; never personal data"),
        ("If-Match" = Option<String>, Header, description = "The version that must be there, or *"),
        ("If-None-Match" = Option<String>, Header, description = "*: no record may be there")),
    request_body = RecordBody,
    responses(
        (status = 200, description = "Replaced", body = WrittenRecord, headers(("ETag" = String, description = "The version"))),
        (status = 201, description = "Created", body = WrittenRecord, headers(("ETag" = String, description = "The version"))),
        (status = 412, description = "The record has another version",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["records:write"])),
)]
#[put("/v1/apps/{app}/subjects/{subject}/records/{category}/{record}")]
pub(crate) async fn put_record(
    api: web::Data<Api>,
    write: Write<scopes::RecordsWrite, RecordBody>,
    path: web::Path<RecordPath>,
    condition: Condition,
) -> Answer {
    let key = path.into_inner().into();
    let written = records::put(&api.oubli, &write.call, &key, write.body.0, condition.0).await?;
    let mut answer = if written.created { HttpResponse::Created() } else { HttpResponse::Ok() };
    Ok(answer.insert_header((ETAG, etag(written.version))).json(WrittenRecord::from(written)))
}
