//! `POST /v1/apps/{app}/records:batch`

use actix_web::{HttpResponse, post, web};
use oubli_app::records::{self, BatchItem, BatchResult, IfMatch};
use oubli_domain::{Name, RecordId, Refusal, SubjectId, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};
use crate::subjects::wire::{IdentifierInput, selector};

/// Records to be put.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordBatch {
    /// 1 to 1,000 records, none of them twice.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<RecordItem>,
}

/// One record to be put; its subject is named by `subject` or by `identifier`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecordItem {
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds the subject.
    identifier: Option<IdentifierInput>,
    /// A category of the data map.
    #[schema(value_type = String, example = "profile")]
    category: Name,
    /// The record's id.
    #[schema(value_type = String, example = "main")]
    record: RecordId,
    /// Its body.
    #[schema(value_type = Object)]
    body: Value,
    /// The version that must be there; 0 when no record may be.
    #[schema(minimum = 0)]
    if_version: Option<i64>,
}

impl Input for RecordBatch {
    fn most_bytes(limits: &Limits) -> Limit {
        limits.batch_bytes
    }

    fn items(&self) -> usize {
        self.items.len()
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

impl RecordItem {
    fn read(self, n: usize) -> Result<BatchItem, Refusal> {
        Ok(BatchItem {
            subject: selector(self.subject, self.identifier)
                .map_err(|refusal| refusal.below(&format!("/items/{n}")))?,
            category: self.category,
            record: self.record,
            body: self.body,
            if_match: self.if_version.map(|version| match version {
                0 => IfMatch::Absent,
                version => IfMatch::Version(version),
            }),
        })
    }
}

/// The results, in the order of the items.
#[derive(Serialize, ToSchema)]
struct BatchResults {
    /// One for each item.
    items: Vec<RecordResult>,
}

/// What became of one item: `status` is what it would have been answered alone.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum RecordResult {
    /// It was put.
    Put {
        /// 200 when it was replaced, 201 when it was created.
        #[schema(example = 201)]
        status: u16,
        /// The version that the record has now.
        version: i64,
        /// When it was written.
        #[schema(value_type = String, format = DateTime)]
        updated_at: Time,
    },
    /// It was refused; the others were put.
    Refused {
        /// The problem's HTTP status.
        #[schema(example = 422)]
        status: u16,
        /// The problem's type.
        #[schema(example = "/problems/invalid-record")]
        problem: String,
        /// The wrong places, below `body`.
        pointers: Vec<String>,
    },
}

impl From<BatchResult> for RecordResult {
    fn from(result: BatchResult) -> Self {
        match result {
            BatchResult::Put { written } => Self::Put {
                status: if written.created { 201 } else { 200 },
                version: written.version,
                updated_at: written.updated_at,
            },
            BatchResult::Refused { problem, status, pointers } => {
                Self::Refused { status, problem: format!("/problems/{problem}"), pointers }
            }
        }
    }
}

/// Put up to 1,000 records
///
/// All are validated; the valid ones commit together; each has its result. Problems of the batch
/// as a whole: `invalid-body`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app")),
    request_body = RecordBatch,
    responses((status = 200, description = "A result for each item", body = BatchResults)),
    security(("oauth2" = ["records:write"])),
)]
#[post("/v1/apps/{app}/records:batch")]
pub(crate) async fn put_records(
    api: web::Data<Api>,
    write: Write<scopes::RecordsWrite, RecordBatch>,
) -> Answer {
    let items = write.body.items.into_iter().enumerate().map(|(n, item)| item.read(n));
    let items = items.collect::<Result<_, _>>()?;
    let results = records::put_batch(&api.oubli, &write.call, items).await?;
    let items = results.into_iter().map(RecordResult::from).collect();
    Ok(HttpResponse::Ok().json(BatchResults { items }))
}
