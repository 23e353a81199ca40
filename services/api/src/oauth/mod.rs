//! OAuth 2 for the programs of an app, and the public keys that verify what the service signs.
//!
//! The token endpoint speaks RFC 6749, so its errors have the form of section 5.2 there and are
//! no problem documents.

mod credentials;
mod jwks;
mod log_keys;
mod metadata;
mod refusal;
mod token;

use utoipa_actix_web::service_config::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(token::issue_token)
        .service(jwks::jwks)
        .service(metadata::metadata)
        .service(log_keys::log_keys);
}
