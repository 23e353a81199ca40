//! Deleting an app: two admins agree, then a job destroys every row and key of it and leaves a
//! certificate. Owns who may agree and the order in which an app goes. It must not know how a job is
//! leased.
//!
//! From the approval on nothing is added to the app: whoever adds a row holds the app's row or that of
//! one of its subjects, and finds it gone; whoever adds a key holds the key set. So what was counted
//! as gone stays gone. Each step commits its marker, so that a process killed anywhere leaves a job
//! that reaches the same end. See ADR 9.

mod agree;
mod certificate;
mod destroy;
mod end;
mod view;

use std::collections::BTreeMap;

use oubli_domain::{DeletionStep, Time};
use oubli_store::{Result as StoreResult, StoreError, Tx, app_deletions};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::journal::{JournalEntry, Replay};
use crate::oubli::Oubli;
use crate::worker::{Leased, Next};

pub use agree::{approve, cancel, propose};
pub use certificate::{Claims, KeyFate, verify_certificate};
pub use view::{Deletion, certificate, get};

/// What a deletion found and did: counts, never values.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Outcome {
    /// Rows deleted by table.
    #[serde(default)]
    deleted: BTreeMap<String, u64>,
    /// Rows left by table, as the verification counted them.
    #[serde(default)]
    left: BTreeMap<String, u64>,
    /// When people's keys were deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data_keys_deleted_at: Option<Time>,
    /// When the app's own keys were deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    app_keys_deleted_at: Option<Time>,
}

impl Outcome {
    fn of(deletion: &app_deletions::Deletion) -> StoreResult<Self> {
        let damaged = |_| StoreError::Damaged("app_deletions.outcome");
        serde_json::from_str(&deletion.outcome).map_err(damaged)
    }

    fn text(&self) -> StoreResult<String> {
        serde_json::to_string(self).map_err(|_| StoreError::Damaged("an outcome to be stored"))
    }
}

/// Does the step that comes after the one the deletion has reached.
pub(crate) async fn step(oubli: &Oubli, leased: &Leased) -> Result<Next> {
    let app = &leased.job.app;
    let found = app_deletions::get(&mut oubli.data().conn().await?, app).await?;
    let deletion = found.ok_or(Error::Damaged("a job without its deletion"))?;
    let outcome = Outcome::of(&deletion)?;
    let work = Work { oubli, leased, deletion, outcome };
    match work.deletion.step {
        DeletionStep::Approved => work.journal().await,
        DeletionStep::Journaled => work.delete_data().await,
        DeletionStep::DataDeleted => work.delete_keys().await,
        DeletionStep::KeysDeleted => work.verify().await,
        DeletionStep::Verified => work.certify().await,
        DeletionStep::Certified => work.delete_app_keys().await,
        DeletionStep::AppKeysDeleted => work.finish().await,
        DeletionStep::Proposed | DeletionStep::Deleted => {
            Err(Error::Damaged("the step of a deletion"))
        }
    }
}

/// One turn of a deletion.
struct Work<'a> {
    oubli: &'a Oubli,
    leased: &'a Leased,
    deletion: app_deletions::Deletion,
    outcome: Outcome,
}

impl Work<'_> {
    /// Nothing is destroyed that a restore would bring back.
    async fn journal(&self) -> Result<Next> {
        let entry = JournalEntry {
            v: 1,
            position: 0,
            at: self.oubli.now(),
            app: self.leased.job.app.clone(),
            replay: Replay::AppDeletion,
        };
        self.oubli.node().journal.append(entry).await?;
        let (from, to) = (DeletionStep::Approved, DeletionStep::Journaled);
        self.advance("leaving.journaled", from, to, None).await
    }

    /// Commits that a step was done.
    async fn advance(
        &self,
        name: &'static str,
        from: DeletionStep,
        to: DeletionStep,
        outcome: Option<Outcome>,
    ) -> Result<Next> {
        let (leased, now) = (self.leased.clone(), self.oubli.now());
        let outcome = outcome.map(|outcome| outcome.text()).transpose()?;
        let written = self.oubli.data().write(name, move |tx| {
            let (leased, outcome) = (leased.clone(), outcome.clone());
            Box::pin(async move { mark(tx, &leased, from, to, outcome, now).await })
        });
        written.await?;
        Ok(Next::Again)
    }
}

/// Records a step in the transaction of its writes.
async fn mark(
    tx: &mut Tx,
    leased: &Leased,
    from: DeletionStep,
    to: DeletionStep,
    outcome: Option<String>,
    now: Time,
) -> StoreResult<()> {
    leased.hold(tx, now).await?;
    app_deletions::advance(tx, &leased.job.app, from, to, outcome).await
}

#[cfg(test)]
mod tests;
