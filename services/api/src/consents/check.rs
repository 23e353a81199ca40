//! `POST /v1/apps/{app}/consents:check`

use actix_web::{HttpResponse, post, web};
use oubli_app::consents;

use super::wire::{CheckAnswer, CheckInput};
use crate::extract::{Ask, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Check whether a purpose holds for a person now
///
/// By POST, since it may name an identifier; it changes nothing and is not logged. A check that
/// starts after a withdrawal was answered never permits. Problems: `unknown-purpose`,
/// `invalid-identifier`, `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app")),
    request_body = CheckInput,
    responses((status = 200, description = "The answer", body = CheckAnswer)),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/consents:check")]
pub(crate) async fn check_consent(
    api: web::Data<Api>,
    question: Ask<scopes::ConsentsRead, CheckInput>,
) -> Answer {
    let item = question.body.read()?;
    let checked = consents::check(&api.oubli, &question.caller, &item).await?;
    Ok(HttpResponse::Ok().json(CheckAnswer::from(checked)))
}
