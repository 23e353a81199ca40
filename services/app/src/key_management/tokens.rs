//! Rotating the key that signs access tokens.

use oubli_domain::Time;
use oubli_store::keys::service_secrets;

use super::{KeysError, Result};
use crate::auth::schedule::{self, Times};
use crate::error::Error;
use crate::oubli::Oubli;
use crate::secrets;

/// What was begun. Running nodes do the rest by the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TokensRotated {
    /// When the new key signs: everybody who verifies knows it by then.
    pub signs_from: Time,
    /// When the old key goes: the last token that it signed has expired by then.
    pub old_gone_at: Time,
}

/// Makes a new token-signing key. It is published at once and signs later.
///
/// # Errors
/// `TokensWaiting` while a new key waits for its time.
pub async fn rotate_tokens(oubli: &Oubli) -> Result<TokensRotated> {
    let now = oubli.now();
    oubli.keyring().root().refresh()?;
    let stored = service_secrets::all(&mut oubli.keys().conn().await?).await?;
    let mut made: Vec<Time> = secrets::of_tokens(&stored).map(|key| Time(key.created_at)).collect();
    let newest = secrets::of_tokens(&stored).map(|key| key.version).max();
    let next = newest.and_then(|version| u32::try_from(version + 1).ok());
    let next = next.ok_or(Error::Damaged("service_secrets.version"))?;
    if let Some(waiting) = waiting(&made, now) {
        return Err(waiting);
    }
    if !secrets::add_token_key(oubli.keys(), oubli.keyring().root(), next, now).await? {
        // Somebody rotated at this very moment.
        made.push(now);
        return Err(waiting(&made, now).unwrap_or(KeysError::TakenOver));
    }
    oubli.reload_secrets(0).await?;
    made.push(now);
    let times = schedule::times(&made);
    let [.., old, new] = times.as_slice() else {
        return Err(Error::Damaged("service_secrets").into());
    };
    let old_gone_at = old.gone_at.ok_or(Error::Damaged("service_secrets"))?;
    Ok(TokensRotated { signs_from: new.signs_from, old_gone_at })
}

fn waiting(made: &[Time], now: Time) -> Option<KeysError> {
    let newest: Option<Times> = schedule::times(made).pop();
    let signs_from = newest?.signs_from;
    (now < signs_from).then_some(KeysError::TokensWaiting { signs_from })
}
