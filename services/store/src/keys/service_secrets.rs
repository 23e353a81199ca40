//! Secrets of the service itself, wrapped by the root key: token signing keys and MAC keys.

use super::key_sets::RootHeld;
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into service_secrets (name, version, root_version, wrapped, public_key, created_at) values ($1, $2, $3, $4, $5, $6) on conflict (name, version) do nothing";
    REWRAP = "update service_secrets set root_version = $4, wrapped = $5 where name = $1 and version = $2 and wrapped = $3";
    DELETE = "delete from service_secrets where name = $1 and version = $2";
    ALL = "select name, version, root_version, wrapped, public_key, created_at from service_secrets order by name, version";
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
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
}

/// Adds a secret; false when another node was first: read [`all`] to learn which one stands.
///
/// # Errors
/// [`StoreError::Stale`] when it is wrapped under another root key version than the held one.
pub async fn insert_if_absent(tx: &mut Tx, root: &RootHeld, new: &ServiceSecret) -> Result<bool> {
    if root.version() != new.root_version {
        return Err(StoreError::Stale);
    }
    let public = new.public_key.clone();
    let args = (&new.name, new.version, new.root_version, &new.wrapped, public, new.created_at);
    Ok(tx.execute(&INSERT, args).await? == 1)
}

/// Wraps a secret under the root key version that is held; false when it changed since it was read.
///
/// # Errors
/// When the database does not answer.
pub async fn rewrap(
    tx: &mut Tx,
    root: &RootHeld,
    old: &ServiceSecret,
    wrapped: &[u8],
) -> Result<bool> {
    let args = (&old.name, old.version, &old.wrapped, root.version(), wrapped);
    Ok(tx.execute(&REWRAP, args).await? == 1)
}

/// Deletes one version of a secret; false when it was gone.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, name: &str, version: i64) -> Result<bool> {
    Ok(tx.execute(&DELETE, (name, version)).await? == 1)
}

/// Every secret.
///
/// # Errors
/// When the database does not answer.
pub async fn all(conn: &mut Conn) -> Result<Vec<ServiceSecret>> {
    conn.all(&ALL, ()).await
}
