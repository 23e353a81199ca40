//! Deletions of apps: who proposed and approved each, how far it is, and its certificate.

use oubli_domain::{AppId, DeletionStep, Time, UserId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into app_deletions (app_id, step, proposed_by, proposed_at, expires_at, outcome) \
        values ($1, $2, $3, $4, $5, $6)";
    GET = "select app_id, step, proposed_by, proposed_at, expires_at, approved_by, approved_at, \
        outcome, certificate, completed_at from app_deletions where app_id = $1";
    LOCK = lite "select app_id, step, proposed_by, proposed_at, expires_at, approved_by, approved_at, \
        outcome, certificate, completed_at from app_deletions where app_id = $1"
        pg "select app_id, step, proposed_by, proposed_at, expires_at, approved_by, approved_at, \
        outcome, certificate, completed_at from app_deletions where app_id = $1 for update";
    PROPOSED = "select app_id from app_deletions where step = $1 and expires_at > $2 order by app_id";
    APPROVE = "update app_deletions set step = $3, approved_by = $4, approved_at = $5 \
        where app_id = $1 and step = $2";
    ADVANCE = "update app_deletions set step = $3, outcome = coalesce($4, outcome) \
        where app_id = $1 and step = $2";
    SET_CERTIFICATE = "update app_deletions set certificate = $2 where app_id = $1";
    COMPLETE = "update app_deletions set completed_at = $2 where app_id = $1";
    DELETE = "delete from app_deletions where app_id = $1 and step = $2";
}

/// The deletion of an app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deletion {
    /// The app.
    pub app: AppId,
    /// The last step that was done.
    pub step: DeletionStep,
    /// Who asked for it.
    pub proposed_by: UserId,
    /// When.
    pub proposed_at: Time,
    /// Until when it can be approved.
    pub expires_at: Time,
    /// Who agreed.
    pub approved_by: Option<UserId>,
    /// When.
    pub approved_at: Option<Time>,
    /// What it found and did, as JSON.
    pub outcome: String,
    /// The certificate, as JWS compact serialisation.
    pub certificate: Option<String>,
    /// When it came to its end.
    pub completed_at: Option<Time>,
}

#[derive(sqlx::FromRow)]
struct Row {
    app_id: String,
    step: String,
    proposed_by: Uuid,
    proposed_at: i64,
    expires_at: i64,
    approved_by: Option<Uuid>,
    approved_at: Option<i64>,
    outcome: String,
    certificate: Option<String>,
    completed_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Deletion> {
        Ok(Deletion {
            app: read_app(self.app_id)?,
            step: self.step.parse().map_err(|_| StoreError::Damaged("app_deletions.step"))?,
            proposed_by: UserId(self.proposed_by),
            proposed_at: Time(self.proposed_at),
            expires_at: Time(self.expires_at),
            approved_by: self.approved_by.map(UserId),
            approved_at: self.approved_at.map(Time),
            outcome: self.outcome,
            certificate: self.certificate,
            completed_at: self.completed_at.map(Time),
        })
    }
}

fn read_app(text: String) -> Result<AppId> {
    AppId::new(text).map_err(|_| StoreError::Damaged("app_deletions.app_id"))
}

/// Writes a proposal down.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has one.
pub async fn propose(
    tx: &mut Tx,
    app: &AppId,
    by: UserId,
    at: Time,
    expires_at: Time,
    outcome: &str,
) -> Result<()> {
    let step = DeletionStep::Proposed.as_str();
    tx.execute_one(&INSERT, (app, step, by, at, expires_at, outcome)).await
}

/// The deletion of an app, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn get(conn: &mut Conn, app: &AppId) -> Result<Option<Deletion>> {
    conn.optional::<Row>(&GET, (app,)).await?.map(Row::read).transpose()
}

/// The deletion of an app, which nobody else changes until the transaction ends.
///
/// # Errors
/// As [`get`].
pub async fn lock(tx: &mut Tx, app: &AppId) -> Result<Option<Deletion>> {
    tx.optional::<Row>(&LOCK, (app,)).await?.map(Row::read).transpose()
}

/// The apps whose deletion is proposed and can be approved at `now`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn proposed(conn: &mut Conn, now: Time) -> Result<Vec<AppId>> {
    let rows: Vec<(String,)> = conn.all(&PROPOSED, (DeletionStep::Proposed.as_str(), now)).await?;
    rows.into_iter().map(|(app,)| read_app(app)).collect()
}

/// Writes the approval of a proposal down.
///
/// # Errors
/// [`StoreError::RowCount`] when it is no proposal any more.
pub async fn approve(tx: &mut Tx, app: &AppId, by: UserId, at: Time) -> Result<()> {
    let (from, to) = (DeletionStep::Proposed.as_str(), DeletionStep::Approved.as_str());
    tx.execute_one(&APPROVE, (app, from, to, by, at)).await
}

/// Leads a deletion from one step to another, or to the same, and keeps what it found.
///
/// # Errors
/// [`StoreError::Stale`] when it has reached another step.
pub async fn advance(
    tx: &mut Tx,
    app: &AppId,
    from: DeletionStep,
    to: DeletionStep,
    outcome: Option<String>,
) -> Result<()> {
    let done = tx.execute(&ADVANCE, (app, from.as_str(), to.as_str(), outcome)).await?;
    if done == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Keeps the certificate.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no deletion of the app.
pub async fn set_certificate(tx: &mut Tx, app: &AppId, jws: &str) -> Result<()> {
    tx.execute_one(&SET_CERTIFICATE, (app, jws)).await
}

/// Remembers when a deletion came to its end.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no deletion of the app.
pub async fn complete(tx: &mut Tx, app: &AppId, at: Time) -> Result<()> {
    tx.execute_one(&COMPLETE, (app, at)).await
}

/// Deletes a proposal that was not approved.
///
/// # Errors
/// [`StoreError::RowCount`] when there is none.
pub async fn withdraw(tx: &mut Tx, app: &AppId) -> Result<()> {
    tx.execute_one(&DELETE, (app, DeletionStep::Proposed.as_str())).await
}
