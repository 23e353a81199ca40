//! What was done to staff accounts and to apps as a whole. Each row is written with the change it
//! tells of; it holds ids, roles and names of apps, and no name of a person.

use oubli_domain::{EventId, Time, UserId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into staff_events (event_id, at, type, actor, user_id, detail) \
        values ($1, $2, $3, $4, $5, $6)";
    LIST = "select event_id, at, type as kind, actor, user_id, detail from staff_events \
        where event_id > $1 order by event_id limit $2";
}

/// One event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaffEvent {
    /// Its id.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// What was done, such as `user.create`.
    pub kind: String,
    /// Who did it: an id.
    pub actor: String,
    /// To whose account, where it was one.
    pub user: Option<UserId>,
    /// Particulars, as a JSON object.
    pub detail_json: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    at: i64,
    kind: String,
    actor: String,
    user_id: Option<Uuid>,
    detail: String,
}

/// Writes an event.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, new: &StaffEvent) -> Result<()> {
    let args = (new.event, new.at, &new.kind, &new.actor, new.user, &new.detail_json);
    tx.execute_one(&INSERT, args).await
}

/// At most `limit` events after `after`, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, after: Option<EventId>, limit: i64) -> Result<Vec<StaffEvent>> {
    let after = after.unwrap_or(EventId(Uuid::nil()));
    let rows = conn.all::<Row>(&LIST, (after, limit)).await?;
    Ok(rows
        .into_iter()
        .map(|row| StaffEvent {
            event: EventId(row.event_id),
            at: Time(row.at),
            kind: row.kind,
            actor: row.actor,
            user: row.user_id.map(UserId),
            detail_json: row.detail,
        })
        .collect())
}
