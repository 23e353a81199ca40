//! `GET /v1/apps/{app}/clients/{client}`

use actix_web::{HttpResponse, get, web};
use oubli_app::clients;
use oubli_domain::ClientId;

use super::wire::Client;
use crate::extract::{Granted, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Get a client
///
/// Revoked or not. Problems: `client-not-found`.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app"),
        ("client" = String, Path, description = "The client's id")),
    responses((status = 200, description = "The client", body = Client)),
    security(("oauth2" = ["clients:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/clients/{client}")]
pub(crate) async fn get_client(
    api: web::Data<Api>,
    granted: Granted<scopes::ClientsRead>,
    path: web::Path<(String, ClientId)>,
) -> Answer {
    let client = clients::get(&api.oubli, &granted.caller, &path.1).await?;
    Ok(HttpResponse::Ok().json(Client::from(client)))
}
