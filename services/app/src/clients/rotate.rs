//! Replacing the secret of a client.

use oubli_domain::{AppId, ClientId, Code};
use oubli_store::{StoreError, Tx, clients, events};

use super::{WithSecret, new_secret};
use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// Gives a client a new secret; the old one gets no more tokens from then on. Tokens that it got
/// already stay valid until they expire: to void those too, revoke the client.
///
/// # Errors
/// `client-not-found`, `client-revoked`, `secret-already-shown`.
pub async fn rotate_secret(oubli: &Oubli, call: &Call, client: &ClientId) -> Result<WithSecret> {
    let (app, actor, now) = (&call.caller.app, &call.caller.actor, oubli.now());
    let (secret, mac) = new_secret(oubli, client);
    let event =
        Entry::new().fact("client", client.as_str()).event(app, actor, now, "client.rotate");
    let (app, id) = (app.clone(), client.clone());
    oubli
        .write_once("clients.rotate", call, None, Answer::OneTimeSecret, move |tx| {
            let (app, id, mac, event) = (app.clone(), id.clone(), mac.clone(), event.clone());
            Box::pin(async move {
                require_live(tx, &app, &id).await?;
                clients::set_secret(tx, &app, &id, &mac, now).await?;
                events::insert(tx, &event).await
            })
        })
        .await?;
    Ok(WithSecret { client: client.clone(), secret })
}

async fn require_live(tx: &mut Tx, app: &AppId, client: &ClientId) -> Result<(), StoreError> {
    let stored = clients::get(tx, app, client).await?;
    match stored.map(|stored| stored.revoked_at) {
        None => Err(StoreError::Refused(Code::ClientNotFound.into())),
        Some(Some(_)) => Err(StoreError::Refused(Code::ClientRevoked.into())),
        Some(None) => Ok(()),
    }
}
