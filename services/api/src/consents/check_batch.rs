//! `POST /v1/apps/{app}/consents:check-batch`

use actix_web::{HttpResponse, post, web};
use oubli_app::Checked;
use oubli_app::consents::{self, CheckItem};
use oubli_domain::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{CheckAnswer, CheckInput};
use crate::extract::{Ask, Input, read_json, scopes};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};

/// Many questions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CheckBatch {
    /// 1 to 1,000 questions.
    #[schema(min_items = 1, max_items = 1000)]
    items: Vec<CheckInput>,
}

impl Input for CheckBatch {
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

/// The answers, in the order of the questions.
#[derive(Serialize, ToSchema)]
struct CheckResults {
    /// One for each question.
    items: Vec<CheckResult>,
}

/// The answer to one question: `status` is what it would have been answered alone.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum CheckResult {
    /// It was answered.
    Answered {
        /// 200
        #[schema(example = 200)]
        status: u16,
        #[serde(flatten)]
        answer: CheckAnswer,
    },
    /// It was refused: nothing is permitted.
    Refused {
        /// The problem's HTTP status.
        #[schema(example = 404)]
        status: u16,
        /// The problem's type.
        #[schema(example = "/problems/subject-not-found")]
        problem: String,
    },
}

impl From<Result<Checked, Refusal>> for CheckResult {
    fn from(result: Result<Checked, Refusal>) -> Self {
        match result {
            Ok(checked) => Self::Answered { status: 200, answer: checked.into() },
            Err(refusal) => Self::Refused {
                status: refusal.code.status(),
                problem: format!("/problems/{}", refusal.code.slug()),
            },
        }
    }
}

/// Check up to 1,000 questions at once
///
/// All are answered from one moment. It changes nothing and is not logged. Problems of the batch
/// as a whole: `invalid-body`, `data-map-not-found`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app")),
    request_body = CheckBatch,
    responses((status = 200, description = "An answer for each question", body = CheckResults)),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/consents:check-batch")]
pub(crate) async fn check_consents(
    api: web::Data<Api>,
    questions: Ask<scopes::ConsentsRead, CheckBatch>,
) -> Answer {
    let items = questions
        .body
        .items
        .into_iter()
        .enumerate()
        .map(|(n, item)| item.read().map_err(|refusal| refusal.below(&format!("/items/{n}"))));
    let items: Vec<CheckItem> = items.collect::<Result<_, _>>()?;
    let answers = consents::check_batch(&api.oubli, &questions.caller, &items).await?;
    let items = answers.into_iter().map(CheckResult::from).collect();
    Ok(HttpResponse::Ok().json(CheckResults { items }))
}
