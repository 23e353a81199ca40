//! `POST /v1/apps/{app}/clients`

use actix_web::{HttpResponse, post, web};
use oubli_app::clients;
use oubli_domain::Refusal;
use oubli_domain::scope::Scope;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::wire::{ClientSecret, answer_secret};
use crate::extract::{Input, Write, read_json, scopes};
use crate::problem::Answer;
use crate::state::Api;

/// A client to be created.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewClient {
    /// What people call it.
    #[schema(min_length = 1, max_length = 120, example = "Shop backend")]
    title: String,
    /// What its tokens may do at most.
    #[schema(value_type = Vec<String>, min_items = 1, example = json!(["subjects:read", "records:read"]))]
    scopes: Vec<Scope>,
}

impl Input for NewClient {
    fn read(value: Value) -> Result<Self, Refusal> {
        read_json(value)
    }
}

/// Create a client
///
/// Its secret is in this answer alone: a repeat answers `secret-already-shown`. A client cannot
/// give another more scopes than it has. Problems: `invalid-body`, `secret-already-shown`.
#[utoipa::path(
    tag = "Clients",
    params(("app" = String, Path, description = "The app")),
    request_body = NewClient,
    responses((status = 201, description = "Created", body = ClientSecret)),
    security(("staff" = ["clients:write"])),
)]
#[post("/v1/apps/{app}/clients")]
pub(crate) async fn create_client(
    api: web::Data<Api>,
    write: Write<scopes::ClientsWrite, NewClient>,
) -> Answer {
    let NewClient { title, scopes } = write.body;
    let new = clients::NewClient { title, scopes: scopes.into_iter().collect() };
    let made = clients::create(&api.oubli, &write.call, new).await?;
    Ok(answer_secret(HttpResponse::Created(), made))
}
