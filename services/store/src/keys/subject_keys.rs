//! Wrapped data keys of subjects. Deleting one makes the person's data unreadable.

use oubli_domain::{AppId, ClaimId, SubjectId, Time};
use uuid::Uuid;

use super::key_sets::Held;
use super::{PendingClaim, list_claims, pending_claims};
use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    UNDER = "select subject_id, claim_id, live, key_id, key_version, epoch, wrapped, commitment from subject_keys where app_id = $1 and epoch = $2 and subject_id > $3 order by subject_id limit $4";
    REWRAP = "update subject_keys set epoch = $5, wrapped = $6 where app_id = $1 and subject_id = $2 and epoch = $3 and wrapped = $4";
    COUNTS = "select epoch, count(*) from (select epoch from subject_keys where app_id = $1 union all select epoch from kept_keys where app_id = $1) data_keys group by epoch order by epoch";
    GET = "select subject_id, claim_id, live, key_id, key_version, epoch, wrapped, commitment from subject_keys where app_id = $1 and subject_id = $2";
    GET_MANY [anew] = lite "select subject_id, claim_id, live, key_id, key_version, epoch, wrapped, commitment from subject_keys where app_id = $1 and subject_id in (select unhex(value) from json_each($2))"
               pg "select subject_id, claim_id, live, key_id, key_version, epoch, wrapped, commitment from subject_keys where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
    MAKE_LIVE_MANY [anew] = lite "update subject_keys set live = $2 where app_id = $1 and subject_id in (select unhex(value) from json_each($3)) and claim_id in (select unhex(value) from json_each($4))"
                     pg "update subject_keys set live = $2 where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($3 as text) as jsonb)))) and claim_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($4 as text) as jsonb))))";
    MAKE_LIVE = "update subject_keys set live = $3 where app_id = $1 and claim_id = $4 and subject_id = $2";
    DELETE_CLAIM = "delete from subject_keys where app_id = $1 and subject_id = $2 and claim_id = $3 and live = $4";
    PENDING = "select app_id, subject_id, claim_id from subject_keys where live = $1 and (created_at <= $2 or created_at > $3) order by created_at limit $4";
}

inserts! {
    INSERT = "subject_keys" (app_id text, subject_id uuid, claim_id uuid, live boolean, key_id uuid, key_version bigint, epoch bigint, wrapped bytea, commitment bytea, created_at bigint);
}

/// A wrapped data key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedDataKey {
    /// Whose it is.
    pub subject: SubjectId,
    /// The claim under which it was made.
    pub claim: ClaimId,
    /// Whether the claim was kept.
    pub live: bool,
    /// The random id of the key.
    pub key_id: Uuid,
    /// Counts the keys of the subject, from 1.
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
    subject_id: Uuid,
    claim_id: Uuid,
    live: bool,
    key_id: Uuid,
    key_version: i64,
    epoch: i64,
    wrapped: Vec<u8>,
    commitment: Vec<u8>,
}

/// Adds a pending data key.
///
/// # Errors
/// [`StoreError::Duplicate`] when the subject has one.
pub async fn insert(tx: &mut Tx, held: &Held, new: &WrappedDataKey, at: Time) -> Result<()> {
    insert_many(tx, held, [(new, at)]).await
}

/// Adds pending data keys, each with when it was made.
///
/// # Errors
/// [`StoreError::Duplicate`] when one of the subjects has one.
///
/// [`StoreError::Duplicate`]: crate::StoreError::Duplicate
pub async fn insert_many(
    tx: &mut Tx,
    held: &Held,
    new: impl IntoIterator<Item = (&WrappedDataKey, Time)>,
) -> Result<()> {
    let app = held.app();
    let rows = new.into_iter().map(|(new, at)| {
        let (subject, claim, live) = (new.subject, new.claim, new.live);
        let (id, version, epoch) = (new.key_id, new.key_version, new.epoch);
        (app, subject, claim, live, id, version, epoch, &new.wrapped, &new.commitment, at)
    });
    INSERT.all(tx, rows.collect()).await
}

/// A subject's data key, pending or live.
///
/// # Errors
/// When the database does not answer.
pub async fn get(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
) -> Result<Option<WrappedDataKey>> {
    let row: Option<Row> = conn.optional(&GET, (app, subject)).await?;
    Ok(row.map(WrappedDataKey::from))
}

/// Those of these subjects' data keys that are there, pending or live, in whatever order.
///
/// # Errors
/// When the database does not answer.
pub async fn get_many(
    conn: &mut Conn,
    app: &AppId,
    subjects: &[SubjectId],
) -> Result<Vec<WrappedDataKey>> {
    let ids = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<Row> = conn.all(&GET_MANY, (app, ids)).await?;
    Ok(rows.into_iter().map(WrappedDataKey::from).collect())
}

/// At most `limit` data keys that stand under an epoch, pending ones too, by subject, from the one
/// that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn under(
    conn: &mut Conn,
    app: &AppId,
    epoch: i64,
    after: Option<SubjectId>,
    limit: i64,
) -> Result<Vec<WrappedDataKey>> {
    let after = after.map_or(Uuid::nil(), |subject| subject.0);
    let rows: Vec<Row> = conn.all(&UNDER, (app, epoch, after, limit)).await?;
    Ok(rows.into_iter().map(WrappedDataKey::from).collect())
}

/// Wraps a data key under the newest epoch, whose keys are held; false when it was deleted or
/// rewrapped since it was read.
///
/// # Errors
/// When the database does not answer.
pub async fn rewrap(
    tx: &mut Tx,
    held: &Held,
    old: &WrappedDataKey,
    epoch: i64,
    wrapped: &[u8],
) -> Result<bool> {
    let args = (held.app(), old.subject, old.epoch, &old.wrapped, epoch, wrapped);
    Ok(tx.execute(&REWRAP, args).await? == 1)
}

/// How many data keys, of people and of kept items, stand under each epoch of an app; epochs without
/// any are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn counts(conn: &mut Conn, app: &AppId) -> Result<Vec<(i64, i64)>> {
    conn.all(&COUNTS, (app,)).await
}

impl From<Row> for WrappedDataKey {
    fn from(row: Row) -> Self {
        Self {
            subject: SubjectId(row.subject_id),
            claim: ClaimId(row.claim_id),
            live: row.live,
            key_id: row.key_id,
            key_version: row.key_version,
            epoch: row.epoch,
            wrapped: row.wrapped,
            commitment: row.commitment,
        }
    }
}

/// Marks the key of a kept claim as live.
///
/// # Errors
/// When the database does not answer.
pub async fn make_live(tx: &mut Tx, app: &AppId, subject: SubjectId, claim: ClaimId) -> Result<()> {
    tx.execute(&MAKE_LIVE, (app, subject, true, claim)).await.map(drop)
}

/// Marks the keys of kept claims as live. A claim is of one subject alone, so that two lists tell the
/// pairs.
///
/// # Errors
/// When the database does not answer.
pub async fn make_live_many(tx: &mut Tx, app: &AppId, kept: &[(SubjectId, ClaimId)]) -> Result<()> {
    let (subjects, claims) = list_claims(kept);
    tx.execute(&MAKE_LIVE_MANY, (app, true, subjects, claims)).await.map(drop)
}

/// Deletes the pending key of an abandoned claim.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_pending(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<()> {
    tx.execute(&DELETE_CLAIM, (app, subject, claim, false)).await.map(drop)
}

/// Pending keys made at or before `before`, over all apps, and those that say they were made after
/// `latest`: before the clock stepped back.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(
    conn: &mut Conn,
    before: Time,
    latest: Time,
    limit: i64,
) -> Result<Vec<PendingClaim>> {
    pending_claims(conn.all(&PENDING, (false, before, latest, limit)).await?)
}
