//! `GET /.well-known/oauth-authorization-server`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use oubli_app::auth::token::GRANT_TYPE;
use oubli_domain::scope::{Scope, Scopes};
use serde::Serialize;
use utoipa::ToSchema;

use super::jwks::CACHED;
use crate::state::Api;

/// What the authorisation server can do (RFC 8414, section 2).
#[derive(Serialize, ToSchema)]
struct ServerMetadata {
    /// The issuer of every token.
    #[schema(example = "https://oubli.example")]
    issuer: String,
    /// Where tokens are issued.
    #[schema(example = "https://oubli.example/oauth2/token")]
    token_endpoint: String,
    /// Where the keys are that verify them.
    #[schema(example = "https://oubli.example/.well-known/jwks.json")]
    jwks_uri: String,
    /// The scopes that a client can have.
    #[schema(value_type = Vec<String>, example = json!(["subjects:read", "subjects:write"]))]
    scopes_supported: Vec<Scope>,
    /// None: nobody is sent to an authorisation page.
    #[schema(value_type = Vec<String>, example = json!([]))]
    response_types_supported: [&'static str; 0],
    /// `client_credentials`.
    #[schema(value_type = Vec<String>, example = json!(["client_credentials"]))]
    grant_types_supported: [&'static str; 1],
    /// How a client proves itself.
    #[schema(value_type = Vec<String>, example = json!(["client_secret_basic", "client_secret_post"]))]
    token_endpoint_auth_methods_supported: [&'static str; 2],
}

/// OAuth metadata
///
/// What the authorisation server can do and where (RFC 8414).
#[utoipa::path(
    tag = "Authentication",
    responses((status = 200, description = "The metadata", body = ServerMetadata)),
)]
#[get("/.well-known/oauth-authorization-server")]
pub(crate) async fn metadata(api: web::Data<Api>) -> HttpResponse {
    let issuer = &api.oubli.options().issuer;
    let base = issuer.trim_end_matches('/');
    HttpResponse::Ok().insert_header((CACHE_CONTROL, CACHED)).json(ServerMetadata {
        issuer: issuer.clone(),
        token_endpoint: format!("{base}/oauth2/token"),
        jwks_uri: format!("{base}/.well-known/jwks.json"),
        scopes_supported: Scopes::of_clients().iter().collect(),
        response_types_supported: [],
        grant_types_supported: [GRANT_TYPE],
        token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
    })
}
