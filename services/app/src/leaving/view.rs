//! Looking at a deletion.

use std::collections::BTreeMap;

use oubli_domain::deletion::PROPOSAL_SECONDS;
use oubli_domain::{AppId, Code, DeletionState, DeletionStep, Time, UserId};
use oubli_store::app_tables::{APP_KEY_TABLES, AppTable, DATA_TABLES, SUBJECT_KEY_TABLES, count};
use oubli_store::{Conn, app_deletions};
use serde::{Deserialize, Serialize};

use super::Outcome;
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A deletion, as it is shown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Deletion {
    /// The app.
    pub app: AppId,
    /// How it stands.
    pub state: DeletionState,
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
    /// When it came to its end.
    pub completed_at: Option<Time>,
    /// The rows of the app that are there, by table.
    pub rows: BTreeMap<String, u64>,
    /// The rows that were deleted so far, by table.
    pub deleted: BTreeMap<String, u64>,
}

impl Deletion {
    /// A proposal of now.
    pub(super) fn proposed(app: AppId, by: UserId, at: Time, rows: BTreeMap<String, u64>) -> Self {
        Self {
            app,
            state: DeletionState::Proposed,
            step: DeletionStep::Proposed,
            proposed_by: by,
            proposed_at: at,
            expires_at: at.plus_seconds(PROPOSAL_SECONDS),
            approved_by: None,
            approved_at: None,
            completed_at: None,
            rows,
            deleted: BTreeMap::new(),
        }
    }

    /// A proposal that was approved now.
    pub(super) fn approved(
        proposal: app_deletions::Deletion,
        by: UserId,
        at: Time,
        rows: BTreeMap<String, u64>,
    ) -> Self {
        Self {
            state: DeletionState::Deleting,
            step: DeletionStep::Approved,
            approved_by: Some(by),
            approved_at: Some(at),
            ..Self::proposed(proposal.app, proposal.proposed_by, proposal.proposed_at, rows)
        }
    }
}

/// How many rows of an app there are, by table, in both databases.
pub(super) async fn counts(oubli: &Oubli, app: &AppId) -> Result<BTreeMap<String, u64>> {
    let mut found = count_all(&mut oubli.data().conn().await?, DATA_TABLES, app).await?;
    let mut conn = oubli.keys().conn().await?;
    found.append(&mut count_all(&mut conn, SUBJECT_KEY_TABLES, app).await?);
    found.append(&mut count_all(&mut conn, APP_KEY_TABLES, app).await?);
    Ok(found)
}

/// How many rows of an app each of these tables holds.
pub(super) async fn count_all(
    conn: &mut Conn,
    tables: &'static [AppTable],
    app: &AppId,
) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for table in tables {
        counts.insert(table.name.to_owned(), count(conn, table, app).await?);
    }
    Ok(counts)
}

/// The deletion of the caller's app, also when it has come to its end.
///
/// # Errors
/// `deletion-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller) -> Result<Deletion> {
    let row = stored(oubli, caller).await?;
    let deleted = Outcome::of(&row)?.deleted;
    Ok(Deletion {
        state: DeletionState::of(row.step, row.expires_at, oubli.now()),
        rows: counts(oubli, &row.app).await?,
        app: row.app,
        step: row.step,
        proposed_by: row.proposed_by,
        proposed_at: row.proposed_at,
        expires_at: row.expires_at,
        approved_by: row.approved_by,
        approved_at: row.approved_at,
        completed_at: row.completed_at,
        deleted,
    })
}

async fn stored(oubli: &Oubli, caller: &Caller) -> Result<app_deletions::Deletion> {
    let found = app_deletions::get(&mut oubli.data().conn().await?, &caller.app).await?;
    found.ok_or_else(|| Code::DeletionNotFound.into())
}

/// The certificate, as JWS compact serialisation. It is given out only at the end, when what it says
/// of the app's keys has come true.
///
/// # Errors
/// `deletion-not-found`; `certificate-not-found` before the end.
pub async fn certificate(oubli: &Oubli, caller: &Caller) -> Result<String> {
    let row = stored(oubli, caller).await?;
    let ended = row.certificate.filter(|_| row.step == DeletionStep::Deleted);
    ended.ok_or_else(|| Code::CertificateNotFound.into())
}
