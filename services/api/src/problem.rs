//! Errors as RFC 9457 problem documents.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use oubli_domain::{Code, Refusal};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem document.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// What a handler fails with: a refusal, answered as a problem document.
#[derive(Debug)]
pub struct Problem(pub Refusal);

/// The body of an error (RFC 9457). Nothing in it repeats what the caller sent.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument<'a> {
    /// What kind of problem. Stable: branch on it.
    #[serde(rename = "type")]
    #[schema(example = "/problems/purpose-not-permitted")]
    kind: String,
    /// What a person reads first.
    #[schema(example = "The purpose does not hold for this person now")]
    title: &'a str,
    /// The HTTP status.
    #[schema(example = 403)]
    status: u16,
    /// One sentence more, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// The places in the body that are wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: Vec<WrongPlace<'a>>,
}

/// One place in a body that is wrong.
#[derive(Serialize, ToSchema)]
pub(crate) struct WrongPlace<'a> {
    /// RFC 6901 JSON pointer into the body.
    #[schema(example = "/identifiers/0/value")]
    pointer: &'a str,
    /// What is wrong there.
    #[schema(example = "is not valid for its type")]
    detail: &'a str,
}

impl<'a> ProblemDocument<'a> {
    /// The document of a refusal.
    #[must_use]
    pub fn of(refusal: &'a Refusal) -> Self {
        Self {
            kind: format!("/problems/{}", refusal.code.slug()),
            title: refusal.code.title(),
            status: refusal.code.status(),
            detail: refusal.detail.as_deref(),
            errors: refusal
                .errors
                .iter()
                .map(|e| WrongPlace { pointer: &e.pointer, detail: &e.detail })
                .collect(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self(Refusal::new(code))
    }
}

impl From<oubli_app::Error> for Problem {
    /// The boundary: a fault is logged here, once, and the caller is told no more than its code.
    fn from(error: oubli_app::Error) -> Self {
        let refusal = error.refusal();
        match refusal.code {
            Code::Internal => tracing::error!(error = &error as &dyn std::error::Error, "failed"),
            Code::InsufficientStorage | Code::ReadOnly => {
                tracing::error!(error = &error as &dyn std::error::Error, "nothing can be written");
            }
            Code::Unavailable => {
                tracing::warn!(error = &error as &dyn std::error::Error, "unavailable");
            }
            _ => {}
        }
        Self(refusal)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        answer.content_type(MEDIA_TYPE);
        if self.0.code == Code::Unauthenticated {
            // RFC 6750, section 3.
            answer.insert_header((WWW_AUTHENTICATE, r#"Bearer realm="oubli""#));
        }
        let again = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::TOO_MANY_REQUESTS];
        if again.contains(&self.status_code()) {
            answer.insert_header((RETRY_AFTER, "1"));
        }
        match serde_json::to_vec(&ProblemDocument::of(&self.0)) {
            Ok(body) => answer.body(body),
            Err(_) => answer.finish(),
        }
    }
}

/// The result of a handler.
pub(crate) type Answer<T = HttpResponse> = Result<T, Problem>;
