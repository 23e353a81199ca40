//! Claims: what ties a new row in `keys` to the one in `data`.
//!
//! A key row starts as pending under a claim id. The data transaction inserts that id here, and
//! whoever finds a pending key row can tell from this table what became of it. To give up a claim,
//! the same id is inserted as abandoned *first*: the primary key makes a late data transaction fail.

use oubli_domain::{AppId, ClaimId, SubjectId, Time};
use uuid::Uuid;

use crate::apps;
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::statement::statements;

statements! {
    ABANDONED = "select app_id, claim_id from claims where subject_id is null and created_at <= $1 order by created_at limit $2";
    DELETE_ABANDONED = "delete from claims where app_id = $1 and claim_id = $2 and subject_id is null";
    GET = "select subject_id from claims where app_id = $1 and claim_id = $2";
}

inserts! {
    INSERT = "claims" (app_id text, claim_id uuid, subject_id uuid, created_at bigint);
}

/// What became of a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// The data transaction has not committed (yet).
    Open,
    /// The data transaction committed for this subject.
    Kept(SubjectId),
    /// The claim was given up; the key rows may be deleted.
    Abandoned,
}

/// Keeps a claim, in the transaction that creates what it is for.
///
/// # Errors
/// [`StoreError::Duplicate`] when the claim was abandoned meanwhile.
pub async fn keep(
    tx: &mut Tx,
    app: &AppId,
    claim: ClaimId,
    subject: SubjectId,
    at: Time,
) -> Result<()> {
    INSERT.one(tx, (app, claim, Some(subject), at)).await
}

/// Keeps claims, each in the transaction that creates what it is for.
///
/// # Errors
/// [`StoreError::Duplicate`] when one was abandoned meanwhile.
pub async fn keep_many(
    tx: &mut Tx,
    app: &AppId,
    kept: impl IntoIterator<Item = (ClaimId, SubjectId, Time)>,
) -> Result<()> {
    let rows = kept.into_iter().map(|(claim, subject, at)| (app, claim, Some(subject), at));
    INSERT.all(tx, rows.collect()).await
}

/// Gives up a claim, unless it was kept.
///
/// # Errors
/// `app-not-found` when the app is being deleted, with its claims.
pub async fn abandon(tx: &mut Tx, app: &AppId, claim: ClaimId, at: Time) -> Result<Fate> {
    apps::hold(tx, app).await?;
    if let fate @ (Fate::Kept(_) | Fate::Abandoned) = fate(tx, app, claim).await? {
        return Ok(fate);
    }
    match INSERT.one(tx, (app, claim, None::<SubjectId>, at)).await {
        // Another transaction decided the claim since our look: look again.
        Err(StoreError::Duplicate { .. }) => Err(StoreError::Contention),
        Err(error) => Err(error),
        Ok(()) => Ok(Fate::Abandoned),
    }
}

/// What became of a claim so far.
///
/// # Errors
/// When the database does not answer.
pub async fn fate(conn: &mut Conn, app: &AppId, claim: ClaimId) -> Result<Fate> {
    let row: Option<(Option<Uuid>,)> = conn.optional(&GET, (app, claim)).await?;
    Ok(match row {
        None => Fate::Open,
        Some((Some(subject),)) => Fate::Kept(SubjectId(subject)),
        Some((None,)) => Fate::Abandoned,
    })
}

/// Claims given up at or before `before`, over all apps, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn abandoned(conn: &mut Conn, before: Time, limit: i64) -> Result<Vec<(AppId, ClaimId)>> {
    let rows: Vec<(String, Uuid)> = conn.all(&ABANDONED, (before, limit)).await?;
    rows.into_iter()
        .map(|(app, claim)| {
            let app = AppId::new(app).map_err(|_| StoreError::Damaged("claims.app_id"))?;
            Ok((app, ClaimId(claim)))
        })
        .collect()
}

/// Deletes a claim that was given up. Its key rows must be gone: without it they could come to life.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_abandoned(tx: &mut Tx, app: &AppId, claim: ClaimId) -> Result<()> {
    tx.execute(&DELETE_ABANDONED, (app, claim)).await.map(drop)
}
