//! `DELETE /v1/apps/{app}/clients/{client}`

use actix_web::{HttpResponse, delete, web};
use oubli_app::clients;
use oubli_domain::ClientId;

use crate::extract::{Write, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// Revoke a client
///
/// For good. Its tokens are worth nothing from now on: at once on the node that answers, within 5
/// seconds on others. Problems: `client-not-found`.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app"),
        ("client" = String, Path, description = "The client's id")),
    responses((status = 204, description = "Revoked")),
    security(("staff" = ["clients:write"])),
)]
#[delete("/v1/apps/{app}/clients/{client}")]
pub(crate) async fn revoke_client(
    api: web::Data<Api>,
    write: Write<scopes::ClientsWrite, ()>,
    path: web::Path<(String, ClientId)>,
) -> Answer {
    clients::revoke(&api.oubli, &write.call, &path.1).await?;
    Ok(HttpResponse::NoContent().finish())
}
