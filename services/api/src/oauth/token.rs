//! `POST /oauth2/token`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, post, web};
use oubli_app::auth::token::{self, TokenRefusal};
use oubli_domain::Code;
use serde::Serialize;
use utoipa::ToSchema;

use super::credentials::{TokenForm, basic};
use super::refusal::{OauthError, OauthRefusal};
use crate::extract::Form;
use crate::problem::Problem;
use crate::state::Api;

/// An access token (RFC 6749, section 5.1).
#[derive(Serialize, ToSchema)]
struct TokenAnswer {
    /// To be sent as `Authorization: Bearer …`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// `Bearer`.
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds it is valid.
    #[schema(example = 900)]
    expires_in: u32,
    /// What it may do.
    #[schema(example = "records:read consents:read")]
    scope: String,
}

/// Get an access token
///
/// OAuth 2 client credentials (RFC 6749, section 4.4), by HTTP Basic or in the form, never both.
/// A form is at most 4,096 bytes. Errors have OAuth's own form.
#[utoipa::path(
    tag = "Authentication",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token", body = TokenAnswer),
        (status = 400, description = "The request is not acceptable", body = OauthError),
        (status = 401, description = "The client is unknown or its secret is wrong", body = OauthError),
    ),
)]
#[post("/oauth2/token")]
pub(crate) async fn issue_token(
    api: web::Data<Api>,
    request: HttpRequest,
    form: Result<Form, Problem>,
) -> Result<HttpResponse, OauthRefusal> {
    let form = TokenForm::read(form.map_err(unread)?.0)?;
    let basic = basic(&request)?;
    let asked = form.request(basic.as_ref())?;
    api.rates.count_claimed(&request, asked.client_id).map_err(OauthRefusal::Failed)?;
    let issued = token::issue(&api.oubli, asked).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(TokenAnswer {
        access_token: issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: issued.scopes.to_string(),
    }))
}

/// Why there is no form: the service has no room for it, or the caller sent none.
fn unread(problem: Problem) -> OauthRefusal {
    match problem.0.code {
        Code::InvalidBody | Code::MalformedJson | Code::TooLarge | Code::UnsupportedMediaType => {
            TokenRefusal::InvalidRequest("the body is not a form of at most 4096 bytes").into()
        }
        _ => OauthRefusal::Failed(problem),
    }
}
