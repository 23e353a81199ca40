//! App keys (one an epoch, wrapped by the root key) and the secrets of an app that they wrap:
//! index keys and the log's signing key.

use std::collections::BTreeMap;

use oubli_domain::{AppId, Time};

use super::key_sets::{Held, RootHeld};
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into app_keys (app_id, epoch, root_version, wrapped, created_at) values ($1, $2, $3, $4, $5)";
    OF_APP = "select epoch, root_version, wrapped from app_keys where app_id = $1 order by epoch";
    INSERT_SECRET = "insert into app_secrets (app_id, name, version, epoch, wrapped, public_key, created_at) values ($1, $2, $3, $4, $5, $6, $7)";
    REWRAP_SECRET = "update app_secrets set epoch = $5, wrapped = $6 where app_id = $1 and name = $2 and version = $3 and wrapped = $4";
    DELETE_SECRET = "delete from app_secrets where app_id = $1 and name = $2 and version = $3";
    EPOCHS = "select app_id, epoch, root_version, created_at, emptied_at from app_keys where exists (select 1 from key_sets s where s.app_id = app_keys.app_id) order by app_id, epoch";
    SET_EMPTIED = "update app_keys set emptied_at = $3 where app_id = $1 and epoch = $2 and emptied_at is null and not exists (select 1 from subject_keys k where k.app_id = $1 and k.epoch = $2) and not exists (select 1 from kept_keys i where i.app_id = $1 and i.epoch = $2) and not exists (select 1 from app_secrets s where s.app_id = $1 and s.epoch = $2)";
    DELETE = "delete from app_keys where app_id = $1 and epoch = $2 and not exists (select 1 from subject_keys k where k.app_id = $1 and k.epoch = $2) and not exists (select 1 from kept_keys i where i.app_id = $1 and i.epoch = $2) and not exists (select 1 from app_secrets s where s.app_id = $1 and s.epoch = $2)";
    INSERT_RETIRED = "insert into retired_epochs (app_id, epoch, root_version, created_at, retired_at) values ($1, $2, $3, $4, $5)";
    RETIRED = "select app_id, epoch, root_version, created_at, retired_at, final_at from retired_epochs order by app_id, epoch";
    SET_FINAL = "update retired_epochs set final_at = $2 where root_version = $1 and final_at is null";
    ROOT_VERSIONS = "select root_version from app_keys union select root_version from service_secrets order by root_version";
    ROOT_USES = "select root_version, count(*) from (select root_version from app_keys union all select root_version from service_secrets) uses group by root_version";
    SECRETS = "select name, version, epoch, wrapped, public_key, created_at from app_secrets where app_id = $1 order by name, version";
    PUBLIC_KEYS = "select app_id, version, public_key, created_at, cast(null as bigint) as retired_at from app_secrets where name = $1 and public_key is not null union all select app_id, version, public_key, created_at, retired_at from retired_log_keys order by app_id, version";
    KEEP_PUBLIC = "insert into retired_log_keys (app_id, version, public_key, created_at, retired_at) select app_id, version, public_key, created_at, cast($3 as bigint) from app_secrets where app_id = $1 and name = $2 and public_key is not null";
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
    /// When it was made, in microseconds since 1970.
    pub created_at: i64,
}

/// An epoch of an app, without its key.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct Epoch {
    /// The app.
    pub app_id: String,
    /// Its number, from 1.
    pub epoch: i64,
    /// The root key version that wraps its key.
    pub root_version: i64,
    /// When it began, in microseconds since 1970.
    pub created_at: i64,
    /// Since when nothing stands under it.
    pub emptied_at: Option<i64>,
}

/// An epoch whose key was deleted.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct RetiredEpoch {
    /// The app.
    pub app_id: String,
    /// Its number, from 1.
    pub epoch: i64,
    /// The root key version that wrapped its key.
    pub root_version: i64,
    /// When it began, in microseconds since 1970.
    pub created_at: i64,
    /// When its key was deleted.
    pub retired_at: i64,
    /// When that root key version was deleted too, so that no backup opens any more.
    pub final_at: Option<i64>,
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
    /// When its secret half was deleted with its app.
    pub retired_at: Option<i64>,
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
pub async fn insert_secret(tx: &mut Tx, held: &Held, new: &AppSecret) -> Result<()> {
    let public = new.public_key.clone();
    let args =
        (held.app(), &new.name, new.version, new.epoch, &new.wrapped, public, new.created_at);
    tx.execute_one(&INSERT_SECRET, args).await
}

/// Wraps a secret under an epoch of the app whose keys are held.
///
/// # Errors
/// [`StoreError::Stale`] when it changed since it was read.
pub async fn rewrap_secret(
    tx: &mut Tx,
    held: &Held,
    old: &AppSecret,
    epoch: i64,
    wrapped: &[u8],
) -> Result<()> {
    let args = (held.app(), &old.name, old.version, &old.wrapped, epoch, wrapped);
    if tx.execute(&REWRAP_SECRET, args).await? == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Deletes one version of a secret of the app whose keys are held.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such version.
pub async fn delete_secret(tx: &mut Tx, held: &Held, name: &str, version: i64) -> Result<()> {
    tx.execute_one(&DELETE_SECRET, (held.app(), name, version)).await
}

/// Every app's epochs, oldest first. An app whose deletion has closed its key set has none that
/// anybody else manages.
///
/// # Errors
/// When the database does not answer.
pub async fn epochs(conn: &mut Conn) -> Result<Vec<Epoch>> {
    conn.all(&EPOCHS, ()).await
}

/// Remembers since when nothing stands under an epoch, unless something does or it is remembered.
///
/// # Errors
/// When the database does not answer.
pub async fn set_emptied(tx: &mut Tx, app: &AppId, epoch: i64, at: Time) -> Result<bool> {
    Ok(tx.execute(&SET_EMPTIED, (app, epoch, at)).await? == 1)
}

/// Deletes the key of an epoch of the app whose keys are held, and remembers that it was.
///
/// # Errors
/// [`StoreError::RowCount`] when something stands under it, or it is gone.
pub async fn retire(tx: &mut Tx, held: &Held, epoch: &Epoch, at: Time) -> Result<()> {
    tx.execute_one(&DELETE, (held.app(), epoch.epoch)).await?;
    let args = (held.app(), epoch.epoch, epoch.root_version, epoch.created_at, at);
    tx.execute_one(&INSERT_RETIRED, args).await
}

/// Every app's retired epochs, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn retired(conn: &mut Conn) -> Result<Vec<RetiredEpoch>> {
    conn.all(&RETIRED, ()).await
}

/// Remembers that the root key version of retired epochs is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn set_final(tx: &mut Tx, root_version: i64, at: Time) -> Result<()> {
    tx.execute(&SET_FINAL, (root_version, at)).await.map(drop)
}

/// The root key versions under which something is wrapped, rising.
///
/// # Errors
/// When the database does not answer.
pub async fn root_versions(conn: &mut Conn) -> Result<Vec<i64>> {
    let rows: Vec<(i64,)> = conn.all(&ROOT_VERSIONS, ()).await?;
    Ok(rows.into_iter().map(|(version,)| version).collect())
}

/// How many keys and secrets are wrapped under each root key version that has any.
///
/// # Errors
/// When the database does not answer.
pub async fn root_uses(conn: &mut Conn) -> Result<BTreeMap<i64, i64>> {
    let rows: Vec<(i64, i64)> = conn.all(&ROOT_USES, ()).await?;
    Ok(rows.into_iter().collect())
}

/// The app's secrets.
///
/// # Errors
/// When the database does not answer.
pub async fn secrets(conn: &mut Conn, app: &AppId) -> Result<Vec<AppSecret>> {
    conn.all(&SECRETS, (app,)).await
}

/// Keeps the public halves of an app's signing keys called `name`, in the transaction that deletes
/// the app's keys.
///
/// # Errors
/// [`StoreError::Duplicate`] when they were kept before.
pub async fn keep_public(tx: &mut Tx, app: &AppId, name: &str, at: Time) -> Result<()> {
    tx.execute(&KEEP_PUBLIC, (app, name, at)).await.map(drop)
}

/// The public halves of every app's signing keys called `name`, old ones and those of deleted apps
/// too.
///
/// # Errors
/// When the database does not answer.
pub async fn public_keys(conn: &mut Conn, name: &str) -> Result<Vec<PublicKey>> {
    conn.all(&PUBLIC_KEYS, (name,)).await
}
