//! Subjects: their state, and the lock that every write about one takes first.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, Code, Refusal, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    GET = "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = $2";
    LOCK = lite "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = $2"
           pg "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = $2 for share";
    LOCK_MANY = lite "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id in (select unhex(value) from json_each($2))"
                pg "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) order by subject_id for share";
    LOCK_ALONE = lite "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = $2"
                 pg "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = $2 for no key update";
    GET_MANY = lite "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id in (select unhex(value) from json_each($2))"
               pg "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
    LIST = "select subject_id, state, created_at, last_contact, holds from subjects where app_id = $1 and subject_id > $2 order by subject_id limit $3";
    SET_STATE = "update subjects set state = $3 where app_id = $1 and subject_id = $2";
    SET_LAST_CONTACT = "update subjects set last_contact = $3 where app_id = $1 and subject_id = $2";
    ADD_HOLDS = "update subjects set holds = holds + $3 where app_id = $1 and subject_id = $2";
    DELETE = "delete from subjects where app_id = $1 and subject_id = $2";
}

inserts! {
    INSERT = "subjects" (app_id text, subject_id uuid, state text, created_at bigint, last_contact bigint);
}

/// A subject's row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject {
    /// Its id.
    pub subject: SubjectId,
    /// `active`, `restricted` or `erasing`.
    pub state: SubjectState,
    /// When it was created.
    pub created_at: Time,
    /// When the person last made contact; creation until then.
    pub last_contact: Time,
    /// Whether a legal hold stands on the person, or on a part of the data.
    pub held: bool,
}

#[derive(sqlx::FromRow)]
struct Row {
    subject_id: Uuid,
    state: String,
    created_at: i64,
    last_contact: i64,
    holds: i64,
}

impl TryFrom<Row> for Subject {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            subject: SubjectId(row.subject_id),
            state: read_state(&row.state)?,
            created_at: Time(row.created_at),
            last_contact: Time(row.last_contact),
            held: row.holds > 0,
        })
    }
}

pub(crate) fn read_state(text: &str) -> Result<SubjectState> {
    SubjectState::from_str(text).map_err(|_| StoreError::Damaged("subjects.state"))
}

/// Adds a subject.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is there.
pub async fn insert(tx: &mut Tx, app: &AppId, subject: SubjectId, at: Time) -> Result<()> {
    insert_many(tx, app, [(subject, at, at)]).await
}

/// Adds subjects whom the app knew before, each with its creation and its last contact.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id of one is there.
pub async fn insert_many(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = (SubjectId, Time, Time)>,
) -> Result<()> {
    let state = SubjectState::Active.as_str();
    let rows = new
        .into_iter()
        .map(|(subject, created_at, last_contact)| (app, subject, state, created_at, last_contact));
    INSERT.all(tx, rows.collect()).await
}

/// A subject in whatever state.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Option<Subject>> {
    conn.optional::<Row>(&GET, (app, subject)).await?.map(Subject::try_from).transpose()
}

/// Those of these subjects that are there, in whatever state and order.
///
/// # Errors
/// When the database does not answer.
pub async fn get_many(
    conn: &mut Conn,
    app: &AppId,
    subjects: &[SubjectId],
) -> Result<Vec<Subject>> {
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows = conn.all::<Row>(&GET_MANY, (app, ids)).await?;
    rows.into_iter().map(Subject::try_from).collect()
}

/// A subject that may be read: in the snapshot of `conn` its erasure is not acknowledged.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub async fn require(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Subject> {
    not_erasing(get(conn, app, subject).await?)
}

/// Locks a subject until the end of the transaction and checks that it may be written about. Every
/// transaction that writes about a subject calls this first: repeatable read alone would let a
/// write that began before an erasure commit after it.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub async fn lock(tx: &mut Tx, app: &AppId, subject: SubjectId) -> Result<Subject> {
    let row = tx.optional::<Row>(&LOCK, (app, subject)).await?;
    not_erasing(row.map(Subject::try_from).transpose()?)
}

/// Locks those of these subjects that are there until the end of the transaction, in the order of
/// their ids, so that two that lock many never wait for each other. Whether each may be written about
/// is for [`not_erasing`] to say.
///
/// # Errors
/// When the database does not answer.
pub async fn lock_many(
    tx: &mut Tx,
    app: &AppId,
    subjects: impl IntoIterator<Item = SubjectId>,
) -> Result<HashMap<SubjectId, Subject>> {
    let subjects: BTreeSet<SubjectId> = subjects.into_iter().collect();
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows = tx.all::<Row>(&LOCK_MANY, (app, ids)).await?;
    rows.into_iter().map(Subject::try_from).map(|row| row.map(|row| (row.subject, row))).collect()
}

/// As [`lock`], for a transaction that changes the subject's state. It lets nobody else in from its
/// beginning: two that held the shared lock would each wait for the other to let go.
///
/// # Errors
/// As [`lock`].
pub async fn lock_alone(tx: &mut Tx, app: &AppId, subject: SubjectId) -> Result<Subject> {
    let row = tx.optional::<Row>(&LOCK_ALONE, (app, subject)).await?;
    not_erasing(row.map(Subject::try_from).transpose()?)
}

/// A subject whose row was read, if it may be read or written about.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub fn not_erasing(subject: Option<Subject>) -> Result<Subject> {
    Ok(standing(subject)?)
}

/// As [`not_erasing`], where nothing else can fail.
///
/// # Errors
/// As there.
pub fn standing(subject: Option<Subject>) -> Result<Subject, Refusal> {
    match subject {
        None => Err(Code::SubjectNotFound.into()),
        Some(s) if s.state == SubjectState::Erasing => Err(Code::SubjectErasing.into()),
        Some(subject) => Ok(subject),
    }
}

/// As [`standing`], where nothing new may be kept or done about somebody whose data is restricted
/// (Article 18(2) GDPR).
///
/// # Errors
/// As there, and `subject-restricted`.
pub fn writable(subject: Option<Subject>) -> Result<Subject, Refusal> {
    let subject = standing(subject)?;
    if subject.state == SubjectState::Restricted {
        return Err(Code::SubjectRestricted.into());
    }
    Ok(subject)
}

/// The subjects after `after`, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    after: Option<SubjectId>,
    limit: i64,
) -> Result<Vec<Subject>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = conn.all::<Row>(&LIST, (app, after, limit)).await?;
    rows.into_iter().map(Subject::try_from).collect()
}

/// Sets the state. On PostgreSQL this waits for every transaction that holds the subject lock.
///
/// # Errors
/// [`StoreError::RowCount`] when the subject is gone.
pub async fn set_state(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    state: SubjectState,
) -> Result<()> {
    tx.execute_one(&SET_STATE, (app, subject, state.as_str())).await
}

/// Sets when the person last made contact, on a row that [`lock_alone`] holds.
///
/// # Errors
/// [`StoreError::RowCount`] when the subject is gone.
pub async fn set_last_contact(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    at: Time,
) -> Result<()> {
    tx.execute_one(&SET_LAST_CONTACT, (app, subject, at)).await
}

/// Counts a hold that was set on a subject (1) or released (-1), on a row that [`lock_alone`] holds.
///
/// # Errors
/// [`StoreError::RowCount`] when the subject is gone.
pub(crate) async fn add_holds(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    holds: i64,
) -> Result<()> {
    tx.execute_one(&ADD_HOLDS, (app, subject, holds)).await
}

/// Deletes the row itself; the last of a subject's rows to go.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, app: &AppId, subject: SubjectId) -> Result<bool> {
    Ok(tx.execute(&DELETE, (app, subject)).await? == 1)
}
