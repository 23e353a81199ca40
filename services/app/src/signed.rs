//! What an app signs with its log key, and how anyone checks it offline with the published keys.

use oubli_domain::AppId;
use oubli_vault::{PublicJwk, SigningKey, TokenError, VerifyingKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One kind of statement. Its `typ` differs from every other kind's, so that none is taken for
/// another (RFC 8725, section 3.11).
pub trait Statement: Serialize + DeserializeOwned {
    /// The `typ` of its JWS.
    const TYPE: &'static str;

    /// The app whose key signs it.
    fn app(&self) -> &AppId;
}

/// Signs a statement as a compact JWS (RFC 7515).
pub(crate) fn sign<S: Statement>(key: &SigningKey, statement: &S) -> Result<String, TokenError> {
    key.sign_jws(S::TYPE, statement)
}

/// What is read of the published keys: an RFC 7517 key set whose keys name their app.
#[derive(Deserialize)]
struct Published {
    keys: Vec<PublishedKey>,
}

#[derive(Deserialize)]
struct PublishedKey {
    #[serde(flatten)]
    jwk: PublicJwk,
    app: AppId,
}

/// Why a signed statement does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SignedError {
    /// The keys are not in the form of `/.well-known/oubli-keys`.
    #[error("the published keys cannot be read")]
    Keys(#[source] serde_json::Error),
    /// None of the published keys signed it, it is of another kind, or it was changed.
    #[error("it is not what one of the published keys signed: {0}")]
    Signature(#[source] TokenError),
    /// Another app's key signed it.
    #[error("it is signed by another app's key")]
    OtherApp,
}

/// Checks a statement offline: its kind, and its signature under one of the published keys of its
/// app. `keys_json` is the body of `/.well-known/oubli-keys`.
///
/// # Errors
/// Why it does not hold.
pub fn verify<S: Statement>(jws: &str, keys_json: &str) -> Result<S, SignedError> {
    let published: Published = serde_json::from_str(keys_json).map_err(SignedError::Keys)?;
    let mut failure = TokenError::UnknownKey;
    for published in &published.keys {
        let key = VerifyingKey::from_jwk(&published.jwk).map_err(SignedError::Signature)?;
        match key.verify_jws::<S>(S::TYPE, jws.trim()) {
            Ok(statement) if *statement.app() != published.app => {
                return Err(SignedError::OtherApp);
            }
            Ok(statement) => return Ok(statement),
            // The next key may be the one that signed it.
            Err(TokenError::UnknownKey) => {}
            Err(error) => failure = error,
        }
    }
    Err(SignedError::Signature(failure))
}
