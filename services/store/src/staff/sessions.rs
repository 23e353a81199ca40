//! Sessions of staff users.

use oubli_domain::{SessionId, Time, UserId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into sessions (session_id, user_id, created_at, expires_at) \
        values ($1, $2, $3, $4)";
    GET = "select session_id, user_id, created_at, expires_at, ended_at from sessions \
        where session_id = $1";
    END = "update sessions set ended_at = $2 where session_id = $1 and ended_at is null";
    END_ALL = "update sessions set ended_at = $2 where user_id = $1 and ended_at is null";
    OPEN = "select session_id, user_id, created_at, expires_at, ended_at from sessions \
        where user_id = $1 and ended_at is null and expires_at > $2 order by session_id";
    END_OTHERS = "update sessions set ended_at = $3 \
        where user_id = $1 and session_id <> $2 and ended_at is null";
    PURGE = "delete from sessions where session_id in (select session_id from sessions \
        where expires_at <= $1 order by expires_at limit $2)";
}

/// A session. It is open from `created_at` until the earlier of `expires_at` and `ended_at`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its id.
    pub session: SessionId,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
    /// When it was ended.
    pub ended_at: Option<Time>,
}

impl Session {
    /// Whether the session may be used at `now`.
    #[must_use]
    pub fn is_open(&self, now: Time) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    session_id: Uuid,
    user_id: Uuid,
    created_at: i64,
    expires_at: i64,
    ended_at: Option<i64>,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            session: SessionId(row.session_id),
            user: UserId(row.user_id),
            created_at: Time(row.created_at),
            expires_at: Time(row.expires_at),
            ended_at: row.ended_at.map(Time),
        }
    }
}

/// Opens a session.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id is taken.
pub async fn insert(
    tx: &mut Tx,
    session: SessionId,
    user: UserId,
    created_at: Time,
    expires_at: Time,
) -> Result<()> {
    tx.execute_one(&INSERT, (session, user, created_at, expires_at)).await
}

/// The session, open or not, or none.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, session: SessionId) -> Result<Option<Session>> {
    Ok(conn.optional::<Row>(&GET, (session,)).await?.map(Session::from))
}

/// Ends a session; false when there is none of this id or it is ended already.
///
/// # Errors
/// When the database fails.
pub async fn end(tx: &mut Tx, session: SessionId, at: Time) -> Result<bool> {
    Ok(tx.execute(&END, (session, at)).await? == 1)
}

/// Ends every session of a user, and gives how many there were.
///
/// # Errors
/// When the database fails.
pub async fn end_all(tx: &mut Tx, user: UserId, at: Time) -> Result<u64> {
    tx.execute(&END_ALL, (user, at)).await
}

/// Ends every session of a user but `kept`, and gives how many there were.
///
/// # Errors
/// When the database fails.
pub async fn end_others(tx: &mut Tx, user: UserId, kept: SessionId, at: Time) -> Result<u64> {
    tx.execute(&END_OTHERS, (user, kept, at)).await
}

/// The sessions of a user that are open at `now`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn open(conn: &mut Conn, user: UserId, now: Time) -> Result<Vec<Session>> {
    let rows = conn.all::<Row>(&OPEN, (user, now)).await?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// Deletes at most `limit` sessions that expired by `before`, and gives how many.
///
/// # Errors
/// When the database fails.
pub async fn purge(tx: &mut Tx, before: Time, limit: i64) -> Result<u64> {
    tx.execute(&PURGE, (before, limit)).await
}
