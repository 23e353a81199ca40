//! Replacing the secret of a client.

use oubli_domain::{AppId, ClientId, Code, Refusal};
use oubli_store::{StoreError, Tx, apps, clients, events};

use super::{WithSecret, new_secret};
use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// The longest that a secret outlives its successor, in seconds: a week.
pub const MAX_KEEP_SECONDS: u32 = 604_800;

/// Gives a client a new secret. The one before gets tokens for `keep_previous_seconds` more, at most
/// [`MAX_KEEP_SECONDS`]; for 0, none from now on. One that was still kept from a rotation before
/// ends now. Tokens that were issued already stay valid until they expire: to void those too, revoke
/// the client.
///
/// # Errors
/// `client-not-found`, `client-revoked`, `secret-already-shown`; `invalid-body` for longer.
pub async fn rotate_secret(
    oubli: &Oubli,
    call: &Call,
    client: &ClientId,
    keep_previous_seconds: u32,
) -> Result<WithSecret> {
    if keep_previous_seconds > MAX_KEEP_SECONDS {
        let refusal = Refusal::new(Code::InvalidBody);
        return Err(refusal.at("/keep_previous_seconds", "must be 0 to 604800").into());
    }
    let (app, actor, now) = (&call.caller.app, &call.caller.actor, oubli.now());
    let (secret, mac) = new_secret(oubli, client);
    let keep = (keep_previous_seconds > 0).then(|| now.plus_seconds(keep_previous_seconds.into()));
    let mut entry = Entry::new().fact("client", client.as_str());
    if keep.is_some() {
        entry = entry.fact("keep_previous_seconds", keep_previous_seconds);
    }
    let event = entry.event(app, actor, now, "client.rotate");
    let (app, id) = (app.clone(), client.clone());
    oubli
        .write_once("clients.rotate", call, None, Answer::OneTimeSecret, move |tx| {
            let (app, id, mac, event) = (app.clone(), id.clone(), mac.clone(), event.clone());
            Box::pin(async move {
                apps::hold(tx, &app).await?;
                require_live(tx, &app, &id).await?;
                clients::set_secret(tx, &app, &id, &mac, now, keep).await?;
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
