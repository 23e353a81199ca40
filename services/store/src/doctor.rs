//! What an operator's check asks of a database. It reads only.
//!
//! The clock here is the database's own: the one place where SQL tells the time, because that is what
//! is asked.

use std::collections::BTreeMap;

use oubli_domain::{AppId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::Result;
use crate::statement::statements;

statements! {
    SETTINGS = lite "select 'journal_mode', journal_mode from pragma_journal_mode() \
            union all select 'synchronous', cast(synchronous as text) from pragma_synchronous() \
            union all select 'secure_delete', cast(secure_delete as text) from pragma_secure_delete()"
        pg "select name, setting from pg_settings where name in \
            ('fsync', 'full_page_writes', 'synchronous_commit', 'server_version_num')";
    CLUSTER = lite "select null" pg "select system_identifier::text from pg_control_system()";
    CLOCK = lite "select cast((julianday('now') - 2440587.5) * 86400000000 as integer)"
        pg "select cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)";
    NEWEST_EVENT = "select max((select e.at from events e where e.app_id = a.app_id \
        order by e.event_id desc limit 1)) from apps a";
    NEWEST_SUBJECTS = "select subject_id from subjects where app_id = $1 and state <> 'erasing' \
        order by subject_id desc limit $2";
}

/// The settings that durability and the overwriting of deleted rows rest on, by name, as they are in
/// effect for the service's own connections.
///
/// # Errors
/// When the database does not answer.
pub async fn settings(conn: &mut Conn) -> Result<BTreeMap<String, String>> {
    Ok(conn.all::<(String, String)>(&SETTINGS, ()).await?.into_iter().collect())
}

/// What tells the PostgreSQL cluster of a database from every other; none for SQLite.
///
/// # Errors
/// When the database does not answer, or does not allow the question.
pub async fn cluster(conn: &mut Conn) -> Result<Option<String>> {
    Ok(conn.one::<(Option<String>,)>(&CLUSTER, ()).await?.0)
}

/// What time it is on the database's machine.
///
/// # Errors
/// When the database does not answer.
pub async fn clock(conn: &mut Conn) -> Result<Time> {
    Ok(Time(conn.one::<(i64,)>(&CLOCK, ()).await?.0))
}

/// When the newest event of any app happened, in `data`.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_event(conn: &mut Conn) -> Result<Option<Time>> {
    Ok(conn.one::<(Option<i64>,)>(&NEWEST_EVENT, ()).await?.0.map(Time))
}

/// The newest subjects of an app that are not being erased, `limit` at most, in `data`.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_subjects(conn: &mut Conn, app: &AppId, limit: i64) -> Result<Vec<SubjectId>> {
    let rows = conn.all::<(Uuid,)>(&NEWEST_SUBJECTS, (app, limit)).await?;
    Ok(rows.into_iter().map(|(id,)| SubjectId(id)).collect())
}
