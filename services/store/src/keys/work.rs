//! The one work on keys that is under way or was interrupted: who does it, for how long yet, and how
//! far it is. What is left to do stands in the rows of the keys themselves.

use oubli_domain::Time;
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    GET = "select kind, leased_until, started_at, ended_at, done, total, root_version, rotated_at from key_work where name = $1";
    // Work of the same kind that was interrupted goes on: it keeps its start and its root version.
    TAKE = "insert into key_work (name, kind, token, leased_until, started_at, done, total) values ($1, $2, $3, $4, $5, 0, 0) on conflict (name) do update set kind = excluded.kind, token = excluded.token, leased_until = excluded.leased_until, started_at = case when key_work.ended_at is null then key_work.started_at else excluded.started_at end, root_version = case when key_work.ended_at is null then key_work.root_version end, ended_at = null, done = 0, total = 0 where (key_work.leased_until <= excluded.started_at or key_work.leased_until > $6) and (key_work.ended_at is not null or key_work.kind = excluded.kind)";
    RENEW = "update key_work set leased_until = $3, done = done + $4 where name = $1 and token = $2";
    SET_TOTAL = "update key_work set total = $3 where name = $1 and token = $2";
    SET_ROOT = "update key_work set root_version = $3 where name = $1 and token = $2";
    END = "update key_work set leased_until = 0, ended_at = $3, rotated_at = coalesce($4, rotated_at) where name = $1 and token = $2";
}

/// The name of the one row.
const KEYS: &str = "keys";

/// The work that is under way, or was last.
#[derive(Clone, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct Work {
    /// `rotate`, `reindex` or `retire`.
    pub kind: String,
    /// Until when it belongs to whoever does it, in microseconds since 1970.
    pub leased_until: i64,
    /// When it began.
    pub started_at: i64,
    /// When it ended; none while it is under way or interrupted.
    pub ended_at: Option<i64>,
    /// Rows done since it was taken up.
    pub done: i64,
    /// Rows to do when it was taken up.
    pub total: i64,
    /// The root key version that a rotation moves to.
    pub root_version: Option<i64>,
    /// When the last rotation ended.
    pub rotated_at: Option<i64>,
}

/// The work that is under way, or was last; none before the first.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn) -> Result<Option<Work>> {
    conn.optional(&GET, (KEYS,)).await
}

/// Takes up work of a kind: new, or interrupted work of that kind. False while somebody does work,
/// or work of another kind was interrupted. No lease lasts until after `furthest`: one that says so
/// is from before the clock stepped back, and has ended.
///
/// # Errors
/// When the database does not answer.
pub async fn take(
    tx: &mut Tx,
    kind: &str,
    token: Uuid,
    now: Time,
    until: Time,
    furthest: Time,
) -> Result<bool> {
    Ok(tx.execute(&TAKE, (KEYS, kind, token, until, now, furthest)).await? == 1)
}

/// Renews the lease in the transaction of a batch, and counts its rows.
///
/// # Errors
/// [`StoreError::Stale`] when somebody else has taken the work over.
pub async fn renew(tx: &mut Tx, token: Uuid, until: Time, rows: i64) -> Result<()> {
    mine(tx.execute(&RENEW, (KEYS, token, until, rows)).await?)
}

/// Says how many rows there are to do.
///
/// # Errors
/// As [`renew`].
pub async fn set_total(tx: &mut Tx, token: Uuid, rows: i64) -> Result<()> {
    mine(tx.execute(&SET_TOTAL, (KEYS, token, rows)).await?)
}

/// Says which root key version a rotation moves to.
///
/// # Errors
/// As [`renew`].
pub async fn set_root_version(tx: &mut Tx, token: Uuid, version: i64) -> Result<()> {
    mine(tx.execute(&SET_ROOT, (KEYS, token, version)).await?)
}

/// Ends the work; `rotated_at` when it was a rotation.
///
/// # Errors
/// As [`renew`].
pub async fn end(tx: &mut Tx, token: Uuid, now: Time, rotated_at: Option<Time>) -> Result<()> {
    mine(tx.execute(&END, (KEYS, token, now, rotated_at)).await?)
}

fn mine(rows: u64) -> Result<()> {
    if rows == 1 { Ok(()) } else { Err(StoreError::Stale) }
}
