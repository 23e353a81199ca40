//! The public keys of the service, for those who verify what it signed.

use oubli_domain::{AppId, Time};
use oubli_store::keys::app_keys::{self, PublicKey};
use oubli_vault::VerifyingKey;

pub use oubli_vault::PublicJwk;

use crate::error::{Error, Result};
use crate::keyring::LOG_SIGNING;
use crate::oubli::Oubli;

/// The keys that sign access tokens, as members of a JWK set (RFC 7517, section 5).
/// A key stands here before it signs and until its last token has expired; see [`super::schedule`].
pub async fn jwks(oubli: &Oubli) -> Vec<PublicJwk> {
    let secrets = oubli.recent_secrets().await;
    secrets.published(oubli.now()).map(VerifyingKey::public_jwk).collect()
}

/// A key that signs an app's certificates, receipts and checkpoints, or did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogKey {
    /// Whose log it signs.
    pub app: AppId,
    /// The key. Its `kid` stands in each signature.
    pub key: PublicJwk,
    /// Since when it signs.
    pub valid_from: Time,
    /// When a newer key of the app took its place, or the app was deleted; what it signed before stays
    /// valid.
    pub valid_until: Option<Time>,
}

/// Every app's log keys, old ones too, by app and age.
///
/// # Errors
/// When a stored key is no key, or the database does not answer.
pub async fn log_keys(oubli: &Oubli) -> Result<Vec<LogKey>> {
    let stored = app_keys::public_keys(&mut oubli.keys().conn().await?, LOG_SIGNING).await?;
    let followers = stored.iter().skip(1).map(Some).chain([None]);
    stored.iter().zip(followers).map(|(key, next)| log_key(key, next)).collect()
}

fn log_key(stored: &PublicKey, next: Option<&PublicKey>) -> Result<LogKey> {
    let key = VerifyingKey::from_bytes(&stored.public_key)
        .map_err(|_| Error::Damaged("app_secrets.public_key"))?;
    let next = next.filter(|next| next.app_id == stored.app_id);
    Ok(LogKey {
        app: AppId::new(&stored.app_id).map_err(|_| Error::Damaged("app_secrets.app_id"))?,
        key: key.public_jwk(),
        valid_from: Time(stored.created_at),
        valid_until: next.map(|next| next.created_at).or(stored.retired_at).map(Time),
    })
}
