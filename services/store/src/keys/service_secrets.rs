//! Secrets of the service itself, wrapped by the root key: token signing keys and MAC keys.

use oubli_domain::Time;

use super::key_sets::RootHeld;
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into service_secrets (name, version, root_version, wrapped, public_key, created_at) values ($1, $2, $3, $4, $5, $6) on conflict (name, version) do nothing";
    ALL = "select name, version, root_version, wrapped, public_key from service_secrets order by name, version";
}

/// A wrapped secret.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct ServiceSecret {
    /// What it is for.
    pub name: String,
    /// Its version, from 1.
    pub version: i64,
    /// The root key version that wraps it.
    pub root_version: i64,
    /// The wrapped secret.
    pub wrapped: Vec<u8>,
    /// The public half of a signing key.
    pub public_key: Option<Vec<u8>>,
}

/// Adds a secret unless another node was first; read [`all`] afterwards to learn which one stands.
///
/// # Errors
/// [`StoreError::Stale`] when it is wrapped under another root key version than the held one.
pub async fn insert_if_absent(
    tx: &mut Tx,
    root: &RootHeld,
    new: &ServiceSecret,
    at: Time,
) -> Result<()> {
    if root.version() != new.root_version {
        return Err(StoreError::Stale);
    }
    let public = new.public_key.clone();
    let args = (&new.name, new.version, new.root_version, &new.wrapped, public, at);
    tx.execute(&INSERT, args).await.map(drop)
}

/// Every secret.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<ServiceSecret>> {
    conn.all(&ALL, ()).await
}
