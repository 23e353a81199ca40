//! Creating a client.

use oubli_domain::scope::Scopes;
use oubli_domain::{ClientId, Code, Refusal};
use oubli_store::{apps, clients, events};

use super::{WithSecret, new_secret};
use crate::apps::check_title;
use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// A client to be created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewClient {
    /// What people call it: 1 to 120 characters on one line.
    pub title: String,
    /// What its tokens may do at most: one scope or more, none of staff alone.
    pub scopes: Scopes,
}

impl NewClient {
    fn check(&self) -> Result<(), Refusal> {
        check_title(&self.title)?;
        let refused = |rule| Err(Refusal::new(Code::InvalidBody).at("/scopes", rule));
        if self.scopes.iter().next().is_none() {
            return refused("must name one scope or more");
        }
        if !self.scopes.within(Scopes::of_clients()) {
            return refused("holds a scope that is for staff only");
        }
        Ok(())
    }
}

/// Creates a client with a secret, which is in this answer and nowhere else: a repeat of the call
/// is refused.
///
/// # Errors
/// `invalid-body`, `app-not-found`, `secret-already-shown`.
pub async fn create(oubli: &Oubli, call: &Call, new: NewClient) -> Result<WithSecret> {
    new.check()?;
    let (app, actor, now) = (&call.caller.app, &call.caller.actor, oubli.now());
    let client = ClientId::fresh(app, now);
    let (secret, secret_mac) = new_secret(oubli, &client);
    let event = Entry::new()
        .fact("client", client.as_str())
        .fact("scopes", new.scopes.to_string())
        .event(app, actor, now, "client.create");
    let row = clients::NewClient {
        client: client.clone(),
        app: app.clone(),
        title: new.title,
        scopes: new.scopes,
        secret_mac,
        created_at: now,
    };
    oubli
        .write_once("clients.create", call, None, Answer::OneTimeSecret, move |tx| {
            let (row, event) = (row.clone(), event.clone());
            Box::pin(async move {
                apps::hold(tx, &row.app).await?;
                clients::insert(tx, &row).await?;
                events::insert(tx, &event).await
            })
        })
        .await?;
    Ok(WithSecret { client, secret })
}
