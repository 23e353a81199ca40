//! App keys (one an epoch, wrapped by the root key) and the secrets of an app that they wrap:
//! index keys and the log's signing key.

use oubli_domain::{AppId, Time};

use super::key_sets::{Held, RootHeld};
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into app_keys (app_id, epoch, root_version, wrapped, created_at) values ($1, $2, $3, $4, $5)";
    OF_APP = "select epoch, root_version, wrapped from app_keys where app_id = $1 order by epoch";
    INSERT_SECRET = "insert into app_secrets (app_id, name, version, epoch, wrapped, public_key, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
    SECRETS = "select name, version, epoch, wrapped, public_key from app_secrets where app_id = $1 order by name, version";
    PUBLIC_KEYS = "select app_id, version, public_key, created_at from app_secrets where name = $1 and public_key is not null order by app_id, version";
}

/// A wrapped app key.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct WrappedAppKey {
    /// Its epoch, from 1.
    pub epoch: i64,
    /// The root key version that wraps it.
    pub root_version: i64,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
}

/// A wrapped secret of an app.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct AppSecret {
    /// What it is for.
    pub name: String,
    /// Its version, from 1.
    pub version: i64,
    /// The epoch of the app key that wraps it.
    pub epoch: i64,
    /// The wrapped secret.
    pub wrapped: Vec<u8>,
    /// The public half of a signing key.
    pub public_key: Option<Vec<u8>>,
}

/// A signing key's public half, for those who verify.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct PublicKey {
    /// Whose it is.
    pub app_id: String,
    /// Its version.
    pub version: i64,
    /// 32 bytes (Ed25519).
    pub public_key: Vec<u8>,
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
}

/// Adds an app key, wrapped under the root key version that is held.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has one of that epoch; [`StoreError::Stale`] when it is
/// wrapped under another version than the held one.
pub async fn insert(
    tx: &mut Tx,
    held: &Held,
    root: &RootHeld,
    new: &WrappedAppKey,
    at: Time,
) -> Result<()> {
    if root.version() != new.root_version {
        return Err(StoreError::Stale);
    }
    let args = (held.app(), new.epoch, new.root_version, &new.wrapped, at);
    tx.execute_one(&INSERT, args).await
}

/// The app's keys, oldest epoch first.
///
/// # Errors
/// When the database does not answer.
pub async fn of_app(conn: &mut Conn, app: &AppId) -> Result<Vec<WrappedAppKey>> {
    conn.all(&OF_APP, (app,)).await
}

/// Adds a secret of the app whose keys are held.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has that version of it.
pub async fn insert_secret(tx: &mut Tx, held: &Held, new: &AppSecret, at: Time) -> Result<()> {
    let public = new.public_key.clone();
    let args = (held.app(), &new.name, new.version, new.epoch, &new.wrapped, public, at);
    tx.execute_one(&INSERT_SECRET, args).await
}

/// The app's secrets.
///
/// # Errors
/// When the database does not answer.
pub async fn secrets(conn: &mut Conn, app: &AppId) -> Result<Vec<AppSecret>> {
    conn.all(&SECRETS, (app,)).await
}

/// The public halves of every app's signing keys called `name`, old ones too.
///
/// # Errors
/// When the database does not answer.
pub async fn public_keys(conn: &mut Conn, name: &str) -> Result<Vec<PublicKey>> {
    conn.all(&PUBLIC_KEYS, (name,)).await
}
