//! `GET /v1/apps/{app}/subjects/{subject}/consents/{event}/receipt`

use actix_web::{HttpResponse, get, web};
use oubli_app::consents;
use oubli_domain::{EventId, SubjectId};
use serde::Deserialize;

use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// The path of a consent event.
#[derive(Deserialize)]
struct EventPath {
    subject: SubjectId,
    event: EventId,
}

/// Get the receipt of a consent event
///
/// A compact JWS (RFC 7515, `typ` `consent-receipt+jwt`) that the person may keep, and that anyone
/// can check offline with the keys at `/.well-known/oubli-keys`. Its payload has the fields of
/// ISO/IEC TS 27560:2023 as JSON: the purpose with its lawful basis, the fields it reads, retention
/// and recipients, the parties, the notice with the SHA-256 digest of its text, and what the person
/// did when. All of that is as it stood when the person acted; `iat` is now. What became of the
/// consent since is not in it. The read is logged. Problems: `consent-event-not-found`,
/// `subject-not-found`, `subject-erasing`.
#[utoipa::path(
    tag = "Consents",
    params(("app" = String, Path, description = "The app"),
        ("subject" = String, Path, description = "The subject's id"),
        ("event" = String, Path, description = "The event's id")),
    responses((status = 200, description = "The receipt", body = String,
            content_type = "application/jose", example = "eyJhbGciOiJFZERTQSJ9.eyJ2Ijox….MEUC…"),
        (status = 409, description = "The person is being erased",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json")),
    security(("oauth2" = ["consents:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/subjects/{subject}/consents/{event}/receipt")]
pub(crate) async fn get_consent_receipt(
    api: web::Data<Api>,
    granted: Granted<scopes::ConsentsRead>,
    path: web::Path<EventPath>,
) -> Answer {
    let jws = consents::receipt(&api.oubli, &granted.caller, path.subject, path.event).await?;
    Ok(HttpResponse::Ok().content_type("application/jose").body(jws))
}
