//! `POST /v1/apps/{app}/subjects/{subject}/consents`

use actix_web::{HttpResponse, post, web};
use oubli_app::consents;

use super::wire::{ConsentInput, RecordedConsent, SubjectPath};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Record a consent event
///
/// Once this is answered no check that starts later sees the state before. Withdrawing never needs
/// more than granting did, and also counts when the purpose has left the data map. Problems:
/// `unknown-purpose`, `invalid-consent`, `subject-not-found`, `subject-erasing`,
/// `subject-restricted` (grants alone).
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id")),
    request_body = ConsentInput,
    responses(
        (status = 200, description = "It was recorded before, under the same id", body = RecordedConsent),
        (status = 201, description = "Recorded", body = RecordedConsent),
        (status = 423, description = "Processing is restricted",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
    security(("oauth2" = ["consents:write"]), ("staff" = [])),
)]
#[post("/v1/apps/{app}/subjects/{subject}/consents")]
pub(crate) async fn record_consent(
    api: web::Data<Api>,
    write: Write<scopes::ConsentsWrite, ConsentInput>,
    path: web::Path<SubjectPath>,
) -> Answer {
    let new = write.body.read()?;
    let recorded = consents::record(&api.oubli, &write.call, path.subject, &new).await?;
    let mut answer = if recorded.repeated { HttpResponse::Ok() } else { HttpResponse::Created() };
    Ok(answer.json(RecordedConsent::from(recorded)))
}
