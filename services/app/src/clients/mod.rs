//! Clients: the programs that call for an app, with the secrets they prove themselves by.
//!
//! This folder owns a client's life: created, its secret rotated, revoked. It must not know tokens;
//! `auth` issues them to clients and asks whether a client may still call.

mod create;
mod list;
mod revoke;
mod rotate;

use std::fmt;

use oubli_domain::scope::Scopes;
use oubli_domain::{ClientId, Time};
use oubli_store::clients;
use oubli_vault::SecretToken;

pub use create::{NewClient, create};
pub use list::{get, list};
pub use revoke::revoke;
pub use rotate::{MAX_KEEP_SECONDS, rotate_secret};

use crate::oubli::Oubli;

/// What the MAC of a client's secret is for.
pub(crate) const SECRET_DOMAIN: &str = "oubli/client-secret/v1";

/// A client, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client {
    /// Its id, which names its app.
    pub client: ClientId,
    /// What people call it.
    pub title: String,
    /// What its tokens may do at most.
    pub scopes: Scopes,
    /// When it was created.
    pub created_at: Time,
    /// When its secret was last replaced.
    pub rotated_at: Option<Time>,
    /// Since when it may not call any more.
    pub revoked_at: Option<Time>,
    /// Until when the secret before the newest still gets tokens.
    pub previous_secret_until: Option<Time>,
}

impl Client {
    fn of(stored: clients::Client, now: Time) -> Self {
        let previous = stored.previous.map(|(_, until)| until);
        Self {
            client: stored.client,
            title: stored.title,
            scopes: stored.scopes,
            created_at: stored.created_at,
            rotated_at: stored.rotated_at,
            revoked_at: stored.revoked_at,
            previous_secret_until: previous.filter(|until| now < *until),
        }
    }
}

/// A client with its new secret, which is shown now and never again.
pub struct WithSecret {
    /// The client.
    pub client: ClientId,
    /// Its secret: 256 random bits as 43 characters of base64url.
    pub secret: SecretToken,
}

impl fmt::Debug for WithSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithSecret").field("client", &self.client).finish_non_exhaustive()
    }
}

/// A new secret for a client, and the MAC that is kept of it.
fn new_secret(oubli: &Oubli, client: &ClientId) -> (SecretToken, Vec<u8>) {
    let secret = SecretToken::generate();
    let parts = [client.as_str().as_bytes(), secret.expose().as_bytes()];
    let mac = oubli.secrets().mac.mac(SECRET_DOMAIN, &parts).to_vec();
    (secret, mac)
}

#[cfg(test)]
mod tests;
