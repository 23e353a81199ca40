//! `POST /v1/apps/{app}/import`

use actix_web::{HttpResponse, post, web};
use oubli_app::import::{self, ImportLine, LineResult, WrongPlace};
use oubli_domain::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};

/// Lines to be imported.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportBatch {
    /// 1 to 1,000 lines. Their schema is at `/v1/schemas/import-line`.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 1000, example = json!([
        { "type": "subject", "id": "crm-17",
          "identifiers": [{ "type": "email", "value": "ada@example.org" }],
          "created_at": "2021-04-01T09:30:00Z" },
        { "type": "record", "id": "crm-17-profile", "subject": "crm-17", "category": "profile",
          "record": "main", "body": { "name": "Ada Lovelace" } },
        { "type": "consent", "id": "crm-17-news", "subject": "crm-17", "purpose": "newsletter",
          "action": "granted", "notice_version": 1, "language": "en",
          "occurred_at": "2021-04-01T09:31:00Z" }
    ]))]
    lines: Vec<Value>,
}

impl Input for ImportBatch {
    const ITEMS: &'static str = "/lines";

    fn most_bytes(limits: &Limits) -> Limit {
        limits.batch_bytes
    }

    fn items(&self) -> usize {
        self.lines.len()
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// The results, in the order of the lines.
#[derive(Serialize, ToSchema)]
struct ImportResults {
    /// One for each line.
    lines: Vec<ImportResult>,
}

/// What became of one line.
#[derive(Serialize, ToSchema)]
struct ImportResult {
    /// `imported`, `unchanged` (it was imported before, or what it says is there) or `refused`.
    #[schema(pattern = "^(imported|unchanged|refused)$", example = "refused")]
    result: &'static str,
    /// Of a refused line: the problem's HTTP status, as if it had come alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 422)]
    status: Option<u16>,
    /// Of a refused line: the problem's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/problems/future-time")]
    problem: Option<String>,
    /// Of a refused line: what a person reads.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "The time lies in the future")]
    detail: Option<String>,
    /// Of a refused line: the wrong places in it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ImportPlace>,
}

/// A wrong place of a line.
#[derive(Serialize, ToSchema)]
struct ImportPlace {
    /// RFC 6901 JSON pointer into the line.
    #[schema(example = "/created_at")]
    pointer: String,
    /// What is wrong there, without the value.
    #[schema(example = "lies in the future")]
    detail: String,
}

impl From<WrongPlace> for ImportPlace {
    fn from(place: WrongPlace) -> Self {
        Self { pointer: place.pointer, detail: place.detail }
    }
}

impl From<LineResult> for ImportResult {
    fn from(result: LineResult) -> Self {
        let plain =
            |result| Self { result, status: None, problem: None, detail: None, errors: Vec::new() };
        match result {
            LineResult::Imported => plain("imported"),
            LineResult::Unchanged => plain("unchanged"),
            LineResult::Refused { problem, status, detail, errors } => Self {
                result: "refused",
                status: Some(status),
                problem: Some(format!("/problems/{problem}")),
                detail: Some(detail),
                errors: errors.into_iter().map(ImportPlace::from).collect(),
            },
        }
    }
}

/// Import up to 1,000 lines
///
/// Subjects, records and consents as the app knew them before, with their past times. Each line has
/// an id of the caller's own; a line that comes again with the same content changes nothing, so a
/// batch may be sent again after whatever happened. Valid lines commit though others are refused.
/// Problems of one line: `invalid-body`, `invalid-time`, `future-time`, `invalid-identifier`,
/// `identifiers-disagree`, `line-reused`, `record-exists`, `subject-not-found`, `subject-erasing`,
/// `subject-restricted`, `unknown-category`, `invalid-record`, `too-large`, `unknown-purpose`,
/// `purpose-not-contract`, `invalid-consent`. Problems: `invalid-body`, `too-large`.
#[utoipa::path(
    tag = "Import",
    params(("app" = String, Path, description = "The app")),
    request_body = ImportBatch,
    responses((status = 200, description = "A result for each line", body = ImportResults)),
    security(("oauth2" = ["import:write"])),
)]
#[post("/v1/apps/{app}/import")]
pub(crate) async fn import_lines(
    api: web::Data<Api>,
    write: Write<scopes::ImportWrite, ImportBatch>,
) -> Answer {
    let lines = write.body.lines.into_iter().map(ImportLine::read).collect();
    let results = import::apply(&api.oubli, &write.call, lines).await?;
    let lines = results.into_iter().map(ImportResult::from).collect();
    Ok(HttpResponse::Ok().json(ImportResults { lines }))
}
