//! Errors of the token endpoint (RFC 6749, section 5.2).

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use oubli_app::auth::token::TokenRefusal;
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Problem;

/// Why no token was issued.
#[derive(Debug)]
pub(crate) enum OauthRefusal {
    /// Told in OAuth's form: the code, and what a developer may read.
    Told(&'static str, String),
    /// The service failed.
    Failed(Problem),
}

/// The body of an error of the token endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct OauthError {
    /// `invalid_request`, `invalid_client`, `unsupported_grant_type` or `invalid_scope`.
    #[schema(value_type = String, example = "invalid_client")]
    error: &'static str,
    /// For the developer who reads it.
    #[schema(example = "the client is unknown or its secret is wrong")]
    error_description: String,
}

impl From<TokenRefusal> for OauthRefusal {
    fn from(refusal: TokenRefusal) -> Self {
        match (refusal.code(), refusal) {
            (_, TokenRefusal::Failed(error)) => Self::Failed(error.into()),
            (code, refusal) => Self::Told(code.unwrap_or("invalid_request"), refusal.to_string()),
        }
    }
}

impl fmt::Display for OauthRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(code, _) => f.write_str(code),
            Self::Failed(problem) => problem.fmt(f),
        }
    }
}

impl ResponseError for OauthRefusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Told("invalid_client", _) => StatusCode::UNAUTHORIZED,
            Self::Told(..) => StatusCode::BAD_REQUEST,
            Self::Failed(problem) => problem.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let (error, description) = match self {
            Self::Told(error, description) => (*error, description.clone()),
            Self::Failed(problem) => return problem.error_response(),
        };
        let mut answer = HttpResponse::build(self.status_code());
        answer.insert_header((CACHE_CONTROL, "no-store"));
        if self.status_code() == StatusCode::UNAUTHORIZED {
            answer.insert_header((WWW_AUTHENTICATE, r#"Basic realm="oubli", charset="UTF-8""#));
        }
        answer.json(OauthError { error, error_description: description })
    }
}
