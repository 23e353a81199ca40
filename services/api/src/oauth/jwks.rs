//! `GET /.well-known/jwks.json`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use oubli_app::auth::keys::{self, PublicJwk};
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Api;

/// For how long a published key may be held: a new one shows within it.
pub(super) const CACHED: &str = "public, max-age=300";

/// A public key (RFC 7517, 8037).
#[derive(Serialize, ToSchema)]
pub(super) struct Jwk {
    /// `OKP`.
    #[schema(example = "OKP")]
    kty: String,
    /// `Ed25519`.
    #[schema(example = "Ed25519")]
    crv: String,
    /// The key, base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    x: String,
    /// Its RFC 7638 thumbprint.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    kid: String,
    /// `EdDSA`.
    #[schema(example = "EdDSA")]
    alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    usage: String,
}

impl From<PublicJwk> for Jwk {
    fn from(key: PublicJwk) -> Self {
        let PublicJwk { kty, crv, x, kid, alg, usage } = key;
        Self { kty, crv, x, kid, alg, usage }
    }
}

/// A JWK set.
#[derive(Serialize, ToSchema)]
struct JwkSet {
    /// The keys.
    keys: Vec<Jwk>,
}

/// Keys of access tokens
///
/// The public keys that verify access tokens, as a JWK set. While a key is being rotated both stand
/// here: the new one before it signs, the old one until its last token has expired.
#[utoipa::path(
    tag = "Authentication",
    responses((status = 200, description = "The keys", body = JwkSet)),
)]
#[get("/.well-known/jwks.json")]
pub(crate) async fn jwks(api: web::Data<Api>) -> HttpResponse {
    let keys = keys::jwks(&api.oubli).await.into_iter().map(Jwk::from).collect();
    HttpResponse::Ok().insert_header((CACHE_CONTROL, CACHED)).json(JwkSet { keys })
}
