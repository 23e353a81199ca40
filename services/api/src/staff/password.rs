//! `POST /v1/staff/password`

use actix_web::{HttpResponse, post, web};
use oubli_app::staff;
use oubli_domain::{Pii, Refusal};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::extract::{AnySession, Input, Open, read_json};
use crate::problem::Answer;
use crate::state::Api;

/// A password and the one that takes its place.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    /// The current password.
    #[schema(format = Password, example = "the password so far")]
    current: String,
    /// The new one: 12 to 128 characters, not easily guessed, not the current one.
    #[schema(format = Password, example = "a longer one, and another")]
    new: String,
}

impl Input for PasswordChange {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Change one's password
///
/// Ends all other sessions of the user. A wrong current password counts like a failed sign-in: ten
/// in a row lock the account for 15 minutes. Problems: `wrong-password`, `too-many-logins`.
#[utoipa::path(
    tag = "Staff",
    request_body = PasswordChange,
    responses((status = 204, description = "Changed")),
    security(("staff" = [])),
)]
#[post("/v1/staff/password")]
pub(crate) async fn change_password(
    api: web::Data<Api>,
    staff: AnySession,
    body: Open<PasswordChange>,
) -> Answer {
    let PasswordChange { current, new } = body.0;
    let (current, new) = (Pii::new(current), Pii::new(new));
    staff::change_password(&api.oubli, &staff.0, &current, &new).await?;
    Ok(HttpResponse::NoContent().finish())
}
