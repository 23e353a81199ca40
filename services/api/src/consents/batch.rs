//! `POST /v1/apps/{app}/consents:batch`

use actix_web::{HttpResponse, post, web};
use oubli_app::consents::{self, BatchItem, BatchResult};
use oubli_domain::consent::{Action, Language};
use oubli_domain::{Name, Refusal, SubjectId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{ConsentInput, RecordedConsent, SignalsInput};
use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};
use crate::subjects::wire::{IdentifierInput, selector};

/// Consent events to be recorded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentBatch {
    /// 1 to 1,000 events; those of one person in the order in which they happened.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<ConsentItem>,
}

/// One event; its subject is named by `subject` or by `identifier`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsentItem {
    /// The subject's id.
    #[schema(value_type = Option<String>, example = "sub_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    subject: Option<SubjectId>,
    /// A value that finds the subject.
    identifier: Option<IdentifierInput>,
    /// A purpose of the data map that rests on consent.
    #[schema(value_type = String, example = "newsletter")]
    purpose: Name,
    /// `granted`, `refused` or `withdrawn`.
    #[schema(value_type = String, pattern = "^(granted|refused|withdrawn)$", example = "granted")]
    action: Action,
    /// The version of the purpose's notice that the person was shown; a grant needs it.
    #[schema(minimum = 1, example = 1)]
    notice_version: Option<u32>,
    /// The language it was shown in; together with the version.
    #[schema(value_type = Option<String>, example = "en")]
    language: Option<Language>,
    /// Your own id of the event: 1 to 128 visible ASCII characters.
    #[schema(min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    id: Option<String>,
    /// What a browser or a consent platform said when the person acted.
    signals: Option<SignalsInput>,
}

impl Input for ConsentBatch {
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

impl ConsentItem {
    fn read(self, n: usize) -> Result<BatchItem, Refusal> {
        let below = |refusal: Refusal| refusal.below(&format!("/items/{n}"));
        let Self { purpose, action, notice_version, language, id, signals, .. } = self;
        let subject = selector(self.subject, self.identifier).map_err(below)?;
        let consent = ConsentInput { purpose, action, notice_version, language, id, signals };
        Ok(BatchItem { subject, consent: consent.read().map_err(below)? })
    }
}

/// The results, in the order of the items.
#[derive(Serialize, ToSchema)]
struct ConsentResults {
    /// One for each item.
    items: Vec<ConsentResult>,
}

/// What became of one item: `status` is what it would have been answered alone.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum ConsentResult {
    /// It is recorded.
    Recorded {
        /// 201, or 200 when it was recorded before under the same id.
        #[schema(example = 201)]
        status: u16,
        #[serde(flatten)]
        recorded: RecordedConsent,
    },
    /// It was refused; the others are recorded.
    Refused {
        /// The problem's HTTP status.
        #[schema(example = 422)]
        status: u16,
        /// The problem's type.
        #[schema(example = "/problems/invalid-consent")]
        problem: String,
    },
}

impl From<BatchResult> for ConsentResult {
    fn from(result: BatchResult) -> Self {
        match result {
            BatchResult::Recorded(recorded) => Self::Recorded {
                status: if recorded.repeated { 200 } else { 201 },
                recorded: recorded.into(),
            },
            BatchResult::Refused { problem, status } => {
                Self::Refused { status, problem: format!("/problems/{problem}") }
            }
        }
    }
}

/// Record up to 1,000 consent events
///
/// All are checked; those that are right commit together; each has its result. As a whole
/// it may be refused. Problems: `invalid-body`, `invalid-id`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app")),
    request_body = ConsentBatch,
    responses((status = 200, description = "A result for each item", body = ConsentResults)),
    security(("oauth2" = ["consents:write"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/consents:batch")]
pub(crate) async fn record_consents(
    api: web::Data<Api>,
    write: Write<scopes::ConsentsWrite, ConsentBatch>,
) -> Answer {
    let items = write.body.items.into_iter().enumerate().map(|(n, item)| item.read(n));
    let items: Vec<BatchItem> = items.collect::<Result<_, _>>()?;
    let results = consents::record_batch(&api.oubli, &write.call, &items).await?;
    let items = results.into_iter().map(ConsentResult::from).collect();
    Ok(HttpResponse::Ok().json(ConsentResults { items }))
}
