//! `POST /v1/apps/{app}/clients/{client}/secret`

use actix_web::{HttpResponse, post, web};
use oubli_app::clients;
use oubli_domain::ClientId;

use super::wire::{ClientSecret, answer_secret};
use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Rotate a client's secret
///
/// The old secret gets no more tokens. Tokens that it got already stay valid until they expire:
/// to void those too, revoke the client. Problems: `client-not-found`, `client-revoked`,
/// `secret-already-shown`.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app"),
        ("client" = String, Path, description = "The client's id")),
    responses((status = 200, description = "The new secret", body = ClientSecret)),
    security(("staff" = ["clients:write"])),
)]
#[post("/v1/apps/{app}/clients/{client}/secret")]
pub(crate) async fn rotate_secret(
    api: web::Data<Api>,
    write: Write<scopes::ClientsWrite, ()>,
    path: web::Path<(String, ClientId)>,
) -> Answer {
    let made = clients::rotate_secret(&api.oubli, &write.call, &path.1).await?;
    Ok(answer_secret(HttpResponse::Ok(), made))
}
