//! `POST /v1/staff/login`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, post, web};
use oubli_app::staff;
use oubli_domain::scope::Role;
use oubli_domain::{Pii, Refusal, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{Input, Open, read_json};
use crate::problem::Answer;
use crate::state::{Api, Limit, Limits};

/// Who signs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Login {
    /// The user's name.
    #[schema(example = "ada")]
    name: String,
    /// The password.
    #[schema(format = Password)]
    password: String,
}

impl Input for Login {
    fn most_bytes(_: &Limits) -> Limit {
        Limits::OPEN_BYTES
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
struct Session {
    /// To be sent as `Authorization: Bearer …`.
    #[schema(example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCJ9.e30.c2lnbmF0dXJl")]
    access_token: String,
    /// `Bearer`.
    #[schema(value_type = String, example = "Bearer")]
    token_type: &'static str,
    /// For how many seconds it is valid.
    #[schema(example = 3600)]
    expires_in: u32,
    /// Who signed in.
    #[schema(value_type = String, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    user: UserId,
    /// `admin`, `dpo`, `compliance` or `auditor`.
    #[schema(value_type = String, example = "dpo")]
    role: Role,
    /// Whether the session is good for nothing but changing the password and signing out: every
    /// other call answers `password-change-required`.
    #[schema(example = false)]
    must_change: bool,
}

/// Sign in
///
/// For staff. Ten failures in a row lock the account for 15 minutes; a locked account, an unknown
/// name and a wrong password are answered alike. A body is at most 4,096 bytes. Problems:
/// `login-failed`, `too-many-logins`, `too-large`.
#[utoipa::path(
    tag = "Staff",
    request_body = Login,
    responses(
        (status = 200, description = "Signed in", body = Session),
        (status = 401, description = "The name or password is wrong, or the account is locked",
            body = crate::problem::ProblemDocument, content_type = "application/problem+json"),
    ),
)]
#[post("/v1/staff/login")]
pub(crate) async fn login(api: web::Data<Api>, request: HttpRequest, body: Open<Login>) -> Answer {
    let Login { name, password } = body.0;
    api.rates.count_claimed(&request, &name)?;
    let signed_in = staff::login(&api.oubli, &name, &Pii::new(password)).await?;
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Session {
        access_token: signed_in.access_token,
        token_type: "Bearer",
        expires_in: signed_in.expires_in,
        user: signed_in.user,
        role: signed_in.role,
        must_change: signed_in.must_change,
    }))
}
