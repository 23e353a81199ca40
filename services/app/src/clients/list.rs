//! Finding clients.

use oubli_domain::{ClientId, Code};
use oubli_store::{apps, clients};

use super::Client;
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A client of the caller's app, revoked or not.
///
/// # Errors
/// `client-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller, client: &ClientId) -> Result<Client> {
    let stored = clients::get(&mut oubli.data().conn().await?, &caller.app, client).await?;
    stored.map(|client| Client::of(client, oubli.now())).ok_or_else(|| Code::ClientNotFound.into())
}

/// At most `limit` clients of the caller's app, oldest first, from the one that follows `after`.
///
/// # Errors
/// `app-not-found`.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    after: Option<&ClientId>,
    limit: u32,
) -> Result<Vec<Client>> {
    let mut conn = oubli.data().snapshot().await?;
    if apps::get(&mut conn, &caller.app).await?.is_none() {
        return Err(Code::AppNotFound.into());
    }
    let stored = clients::list(&mut conn, &caller.app, after, limit.into()).await?;
    Ok(stored.into_iter().map(|client| Client::of(client, oubli.now())).collect())
}
