//! `POST /v1/apps/{app}/records:read`

use actix_web::{HttpResponse, post, web};
use oubli_app::reads::{self, BulkAnswer, BulkItem, BulkRead};
use oubli_domain::consent::NotPermitted;
use oubli_domain::{Name, Refusal, Time};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::PersonRead;
use crate::extract::{Ask, Input, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};
use crate::subjects::wire::SubjectInput;

/// Who is to be read, what of them, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadInput {
    /// A purpose of the data map. Its fields alone are answered, of those for whom it holds.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
    /// 1 to 1,000 people, none of them twice.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<SubjectInput>,
    /// 1 to 201 categories that the purpose reads, none of them twice. `identifiers` is the built-in
    /// one: what finds the person.
    #[schema(value_type = Vec<String>, min_items = 1, max_items = 201, example = json!(["profile", "identifiers"]))]
    categories: Vec<Name>,
    /// `next` of the answer before. Everything else must be as it was then.
    cursor: Option<String>,
}

impl Input for ReadInput {
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

impl ReadInput {
    fn into_read(self) -> Result<BulkRead, Refusal> {
        let items = self.items.into_iter().enumerate();
        let items = items.map(|(n, item)| {
            item.selector().map_err(|refusal| refusal.below(&format!("/items/{n}")))
        });
        Ok(BulkRead {
            purpose: self.purpose,
            items: items.collect::<Result<_, _>>()?,
            categories: self.categories,
            cursor: self.cursor,
        })
    }
}

/// The results, in the order of the items.
#[derive(Serialize, ToSchema)]
struct ReadResults {
    /// The moment that all of it tells of.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00.000000Z")]
    checked_at: Time,
    /// One for each item that this answer had room for.
    items: Vec<ReadResult>,
    /// Goes on where this answer ended; absent when it is the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The result of one item: `status` is what it would have been answered alone.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ReadResult {
    /// It was read.
    Read {
        /// Its place among the items, from 0.
        #[schema(example = 0)]
        item: usize,
        /// 200
        #[schema(example = 200)]
        status: u16,
        #[serde(flatten)]
        person: PersonRead,
    },
    /// Nothing of it was read.
    Refused {
        /// Its place among the items, from 0.
        #[schema(example = 1)]
        item: usize,
        /// The problem's HTTP status.
        #[schema(example = 403)]
        status: u16,
        /// The problem's type.
        #[schema(example = "/problems/purpose-not-permitted")]
        problem: String,
        /// Why the purpose does not hold, where that is it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(example = "consent-withdrawn")]
        reason: Option<&'static str>,
    },
}

impl From<BulkItem> for ReadResult {
    fn from(BulkItem { item, result }: BulkItem) -> Self {
        match result {
            Ok(person) => Self::Read { item, status: 200, person: person.into() },
            Err(refused) => Self::Refused {
                item,
                status: refused.refusal.code.status(),
                problem: format!("/problems/{}", refused.refusal.code.slug()),
                reason: refused.reason.map(NotPermitted::as_str),
            },
        }
    }
}

/// Read many people for a purpose
///
/// Gives the fields that the purpose reads, of those for whom it holds, all as of one moment. An
/// answer holds up to 1,000 records and about 4 MiB of values; when there is more, it has a `next`,
/// and the same call with that as its `cursor` goes on there. Each person's read is in the log
/// before it is answered; so is a refused one. Problems of an item: `subject-not-found`,
/// `subject-erasing`, `subject-restricted`, `purpose-not-permitted`, `invalid-identifier`.
/// Problems: `invalid-body`, `invalid-cursor`, `unknown-purpose`, `unknown-category`,
/// `purpose-not-permitted`, `data-map-not-found`.
#[utoipa::path(
    tag = "Records",
    params(("app" = String, Path, description = "The app")),
    request_body = ReadInput,
    responses((status = 200, description = "A result for each item", body = ReadResults)),
    security(("oauth2" = ["records:read"])),
)]
#[post("/v1/apps/{app}/records:read")]
pub(crate) async fn read_records(
    api: web::Data<Api>,
    asked: Ask<scopes::RecordsRead, ReadInput>,
) -> Answer {
    let read = asked.body.into_read()?;
    let BulkAnswer { checked_at, items, next } =
        reads::read_many(&api.oubli, &asked.caller, &read).await?;
    let items = items.into_iter().map(ReadResult::from).collect();
    Ok(HttpResponse::Ok().json(ReadResults { checked_at, items, next }))
}
