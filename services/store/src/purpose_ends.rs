//! Purposes that an app has ended for a person, such as a contract that is over.

use oubli_domain::{AppId, Name, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::lists;
use crate::statement::statements;

statements! {
    INSERT = "insert into purpose_ends (app_id, subject_id, purpose, ended_at, actor) values ($1, $2, $3, $4, $5) on conflict (app_id, subject_id, purpose) do nothing";
    DELETE = "delete from purpose_ends where app_id = $1 and subject_id = $2 and purpose = $3";
    GET = "select ended_at from purpose_ends where app_id = $1 and subject_id = $2 and purpose = $3";
    LIST = "select purpose, ended_at from purpose_ends where app_id = $1 and subject_id = $2 order by purpose";
    OF_MANY [anew] = lite "select subject_id, purpose from purpose_ends where app_id = $1 and subject_id in (select unhex(value) from json_each($2)) and purpose in (select value from json_each($3))"
              pg "select subject_id, purpose from purpose_ends where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) and purpose = any(array(select value from jsonb_array_elements_text(cast(cast($3 as text) as jsonb))))";
}

fn name(stored: String) -> Result<Name> {
    Name::new(stored).map_err(|_| StoreError::Damaged("purpose_ends.purpose"))
}

/// Ends a purpose for a subject that is locked; false when it has ended already.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    purpose: &Name,
    at: Time,
    actor: &str,
) -> Result<bool> {
    Ok(tx.execute(&INSERT, (app, subject, purpose, at, actor)).await? == 1)
}

/// Takes the end back, for a subject that is locked; false when there is none.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, app: &AppId, subject: SubjectId, purpose: &Name) -> Result<bool> {
    Ok(tx.execute(&DELETE, (app, subject, purpose)).await? == 1)
}

/// When a purpose was ended for a subject; none while it goes on.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    purpose: &Name,
) -> Result<Option<Time>> {
    let row: Option<(i64,)> = conn.optional(&GET, (app, subject, purpose)).await?;
    Ok(row.map(|(at,)| Time(at)))
}

/// The purposes that were ended for a subject, by name, with the time.
///
/// # Errors
/// When the database does not answer.
pub async fn list(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<(Name, Time)>> {
    let rows: Vec<(String, i64)> = conn.all(&LIST, (app, subject)).await?;
    rows.into_iter().map(|(purpose, at)| Ok((name(purpose)?, Time(at)))).collect()
}

/// Which of these purposes were ended for which of these subjects, in whatever order.
///
/// # Errors
/// When the database does not answer.
pub async fn of_many(
    conn: &mut Conn,
    app: &AppId,
    subjects: &[SubjectId],
    purposes: &[Name],
) -> Result<Vec<(SubjectId, Name)>> {
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<(Uuid, String)> =
        conn.all(&OF_MANY, (app, ids, lists::of_names(purposes))).await?;
    rows.into_iter().map(|(subject, purpose)| Ok((SubjectId(subject), name(purpose)?))).collect()
}
