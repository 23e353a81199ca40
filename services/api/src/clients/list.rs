//! `GET /v1/apps/{app}/clients`

use actix_web::{HttpResponse, get, web};
use oubli_app::clients;

use super::wire::Client;
use crate::extract::{Granted, Page, PageQuery, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// List clients
///
/// Oldest first, revoked ones too, a page at a time.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app"), PageQuery),
    responses((status = 200, description = "A page", body = Page<Client>)),
    security(("oauth2" = ["clients:read"]), ("staff" = [])),
)]
#[get("/v1/apps/{app}/clients")]
pub(crate) async fn list_clients(
    api: web::Data<Api>,
    granted: Granted<scopes::ClientsRead>,
    query: web::Query<PageQuery>,
) -> Answer {
    let (after, limit) = (query.after()?, query.limit()?);
    let clients = clients::list(&api.oubli, &granted.caller, after.as_ref(), limit).await?;
    let items = clients.into_iter().map(Client::from).collect();
    Ok(HttpResponse::Ok().json(Page::of(items, limit, |item: &Client| item.client_id.to_string())))
}
