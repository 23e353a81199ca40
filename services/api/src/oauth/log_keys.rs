//! `GET /.well-known/oubli-keys`

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, get, web};
use oubli_app::auth::keys;
use oubli_domain::{AppId, Time};
use serde::Serialize;
use utoipa::ToSchema;

use super::jwks::{CACHED, Jwk};
use crate::problem::Answer;
use crate::state::Api;

/// A key that signs an app's certificates, receipts and log, or did.
#[derive(Serialize, ToSchema)]
struct LogKey {
    /// Whose it is.
    #[schema(value_type = String, example = "shop")]
    app: AppId,
    /// The key.
    #[serde(flatten)]
    key: Jwk,
    /// Since when it signs.
    #[schema(value_type = String, format = DateTime)]
    valid_from: Time,
    /// When a newer key took its place, or its app was deleted; what it signed before stays valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Time>,
}

/// Every app's keys, old ones too.
#[derive(Serialize, ToSchema)]
struct LogKeys {
    /// The keys, by app and age.
    keys: Vec<LogKey>,
}

impl From<keys::LogKey> for LogKey {
    fn from(key: keys::LogKey) -> Self {
        let keys::LogKey { app, key, valid_from, valid_until } = key;
        Self { app, key: key.into(), valid_from, valid_until }
    }
}

/// Keys of certificates
///
/// The public keys of every app that verify certificates, receipts and the log, old ones and those of
/// deleted apps too. Keep a copy: with it a certificate is checked offline.
#[utoipa::path(
    tag = "Authentication",
    responses((status = 200, description = "The keys", body = LogKeys)),
)]
#[get("/.well-known/oubli-keys")]
pub(crate) async fn log_keys(api: web::Data<Api>) -> Answer {
    let keys = keys::log_keys(&api.oubli).await?.into_iter().map(LogKey::from).collect();
    Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, CACHED)).json(LogKeys { keys }))
}
