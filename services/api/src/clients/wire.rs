//! How clients look on the wire, in the words of RFC 6749 and RFC 7591.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, HttpResponseBuilder};
use oubli_app::clients;
use oubli_domain::scope::Scope;
use oubli_domain::{ClientId, Time};
use serde::Serialize;
use utoipa::ToSchema;

/// A client.
#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the member is called so on the wire")]
pub(crate) struct Client {
    /// Its id: its app, a dot and 32 hex digits.
    #[schema(value_type = String, example = "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    pub(crate) client_id: ClientId,
    /// What people call it.
    #[schema(example = "Shop backend")]
    title: String,
    /// What its tokens may do at most.
    #[schema(value_type = Vec<String>, example = json!(["subjects:read", "records:read"]))]
    scopes: Vec<Scope>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// When its secret was last replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    rotated_at: Option<Time>,
    /// Since when it may not call any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Time>,
    /// Until when the secret before the newest still gets tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_secret_until: Option<Time>,
}

impl From<clients::Client> for Client {
    fn from(client: clients::Client) -> Self {
        Self {
            client_id: client.client,
            title: client.title,
            scopes: client.scopes.iter().collect(),
            created_at: client.created_at,
            rotated_at: client.rotated_at,
            revoked_at: client.revoked_at,
            previous_secret_until: client.previous_secret_until,
        }
    }
}

/// A client with its new secret. The secret is in this answer and can never be shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct ClientSecret {
    /// The client's id.
    #[schema(value_type = String, example = "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    client_id: ClientId,
    /// Its secret.
    #[schema(example = "oubli_4Y3q8mXcT0w9sJ5bVn2LrA7uKd6EhGfP1ZxWiCoQtRk", format = Password)]
    client_secret: String,
}

/// Answers with a secret, which nothing on the way may keep.
pub(super) fn answer_secret(
    mut answer: HttpResponseBuilder,
    made: clients::WithSecret,
) -> HttpResponse {
    let secret = made.secret.expose().to_owned();
    answer
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(ClientSecret { client_id: made.client, client_secret: secret })
}
