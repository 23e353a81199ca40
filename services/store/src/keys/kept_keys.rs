//! Wrapped keys of kept items. Deleting one makes what was kept unreadable.

use oubli_domain::{AppId, KeptItemId, Time};
use uuid::Uuid;

use super::key_sets::Held;
use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::lists;
use crate::statement::statements;

statements! {
    INSERT = "insert into kept_keys (app_id, item_id, key_id, key_version, epoch, wrapped, commitment, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (app_id, item_id) do nothing";
    GET = "select item_id, key_id, key_version, epoch, wrapped, commitment from kept_keys where app_id = $1 and item_id = $2";
    GET_MANY = lite "select item_id, key_id, key_version, epoch, wrapped, commitment from kept_keys where app_id = $1 and item_id in (select unhex(value) from json_each($2))"
               pg "select item_id, key_id, key_version, epoch, wrapped, commitment from kept_keys where app_id = $1 and item_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
    UNDER = "select item_id, key_id, key_version, epoch, wrapped, commitment from kept_keys where app_id = $1 and epoch = $2 and item_id > $3 order by item_id limit $4";
    REWRAP = "update kept_keys set epoch = $5, wrapped = $6 where app_id = $1 and item_id = $2 and epoch = $3 and wrapped = $4";
    DELETE = "delete from kept_keys where app_id = $1 and item_id = $2";
}

/// The wrapped key of a kept item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKeptKey {
    /// Whose it is.
    pub item: KeptItemId,
    /// The random id of the key.
    pub key_id: Uuid,
    /// Counts the keys of the item, from 1.
    pub key_version: i64,
    /// The epoch of the app key that wraps it.
    pub epoch: i64,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// What the unwrapped key must prove to be.
    pub commitment: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    item_id: Uuid,
    key_id: Uuid,
    key_version: i64,
    epoch: i64,
    wrapped: Vec<u8>,
    commitment: Vec<u8>,
}

impl From<Row> for WrappedKeptKey {
    fn from(row: Row) -> Self {
        Self {
            item: KeptItemId(row.item_id),
            key_id: row.key_id,
            key_version: row.key_version,
            epoch: row.epoch,
            wrapped: row.wrapped,
            commitment: row.commitment,
        }
    }
}

/// Adds the key of an item, unless it has one: that one stays, since values may be sealed under it.
///
/// # Errors
/// When the database does not answer.
pub async fn insert_if_absent(
    tx: &mut Tx,
    held: &Held,
    new: &WrappedKeptKey,
    at: Time,
) -> Result<()> {
    let (version, epoch) = (new.key_version, new.epoch);
    let (wrapped, commitment) = (&new.wrapped, &new.commitment);
    let args = (held.app(), new.item, new.key_id, version, epoch, wrapped, commitment, at);
    tx.execute(&INSERT, args).await.map(drop)
}

/// The key of an item, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, item: KeptItemId) -> Result<Option<WrappedKeptKey>> {
    let row: Option<Row> = conn.optional(&GET, (app, item)).await?;
    Ok(row.map(WrappedKeptKey::from))
}

/// The keys of those of these items that have one, in whatever order.
///
/// # Errors
/// When the database does not answer.
pub async fn get_many(
    conn: &mut Conn,
    app: &AppId,
    items: &[KeptItemId],
) -> Result<Vec<WrappedKeptKey>> {
    let ids = lists::of_bytes(items.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<Row> = conn.all(&GET_MANY, (app, ids)).await?;
    Ok(rows.into_iter().map(WrappedKeptKey::from).collect())
}

/// At most `limit` keys that stand under an epoch, by item, from the one that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn under(
    conn: &mut Conn,
    app: &AppId,
    epoch: i64,
    after: Option<KeptItemId>,
    limit: i64,
) -> Result<Vec<WrappedKeptKey>> {
    let after = after.map_or(Uuid::nil(), |item| item.0);
    let rows: Vec<Row> = conn.all(&UNDER, (app, epoch, after, limit)).await?;
    Ok(rows.into_iter().map(WrappedKeptKey::from).collect())
}

/// Wraps a key under the newest epoch, whose keys are held; false when it was deleted or rewrapped
/// since it was read.
///
/// # Errors
/// When the database does not answer.
pub async fn rewrap(
    tx: &mut Tx,
    held: &Held,
    old: &WrappedKeptKey,
    epoch: i64,
    wrapped: &[u8],
) -> Result<bool> {
    let args = (held.app(), old.item, old.epoch, &old.wrapped, epoch, wrapped);
    Ok(tx.execute(&REWRAP, args).await? == 1)
}

/// Deletes the key of an item, if it is there.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, app: &AppId, item: KeptItemId) -> Result<()> {
    tx.execute(&DELETE, (app, item)).await.map(drop)
}
