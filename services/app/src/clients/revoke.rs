//! Revoking a client.

use oubli_domain::{ClientId, Code};
use oubli_store::{StoreError, apps, clients, events};

use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// Revokes a client for good: it gets no more tokens, and those it has are worth nothing, at once
/// on this node and within 5 seconds on others. Revoking it again changes nothing.
///
/// # Errors
/// `client-not-found`.
pub async fn revoke(oubli: &Oubli, call: &Call, client: &ClientId) -> Result<()> {
    let (app, now) = (call.caller.app.clone(), oubli.now());
    let event = Entry::new().fact("client", client.as_str()).event(
        &app,
        &call.caller.actor,
        now,
        "client.revoke",
    );
    let id = client.clone();
    oubli
        .write_once("clients.revoke", call, None, Answer::Repeatable, move |tx| {
            let (app, id, event) = (app.clone(), id.clone(), event.clone());
            Box::pin(async move {
                apps::hold(tx, &app).await?;
                if clients::get(tx, &app, &id).await?.is_none() {
                    return Err(StoreError::Refused(Code::ClientNotFound.into()));
                }
                if clients::revoke(tx, &app, &id, now).await? {
                    events::insert(tx, &event).await?;
                }
                Ok(())
            })
        })
        .await?;
    oubli.verified_tokens().forget();
    Ok(())
}
