//! `POST /v1/apps/{app}/clients/{client}/secret`

use actix_web::{HttpResponse, post, web};
use oubli_app::clients;
use oubli_domain::{ClientId, Refusal};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{ClientSecret, answer_secret};
use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// How a secret is rotated.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateSecret {
    /// For how many seconds the secret before gets tokens too.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800, default = 0, example = 3_600)]
    keep_previous_seconds: u32,
}

impl Input for RotateSecret {
    fn absent() -> Option<Self> {
        Some(Self::default())
    }

    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Rotate a client's secret
///
/// The old secret gets no more tokens, or gets them for `keep_previous_seconds` more, so that every
/// copy of the client can be given the new one. A secret that was still kept from an earlier rotation
/// ends at once. Tokens that were issued stay valid until they expire: to void those too, revoke the
/// client. The body may be left out. Problems: `client-not-found`, `client-revoked`,
/// `secret-already-shown`.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app"),
        ("client" = String, Path, description = "The client's id")),
    responses((status = 200, description = "The new secret", body = ClientSecret)),
    request_body = Option<RotateSecret>,
    security(("staff" = ["clients:write"])),
)]
#[post("/v1/apps/{app}/clients/{client}/secret")]
pub(crate) async fn rotate_secret(
    api: web::Data<Api>,
    write: Write<scopes::ClientsWrite, RotateSecret>,
    path: web::Path<(String, ClientId)>,
) -> Answer {
    let keep = write.body.keep_previous_seconds;
    let made = clients::rotate_secret(&api.oubli, &write.call, &path.1, keep).await?;
    Ok(answer_secret(HttpResponse::Ok(), made))
}
