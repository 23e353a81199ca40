//! The job of an erasure, step by step. Owns the order in which a person goes and the counts that
//! prove it. It must not know how a job is leased or what a plugin decides.
//!
//! Each step commits its marker, and does nothing twice that must happen once: a process killed
//! anywhere leaves a job that reaches the same end.

mod clean;
mod destroy;
mod end;
mod keep;
mod plan;

use std::collections::BTreeMap;

use oubli_domain::request::{ErasureStep, Plan, Step};
use oubli_domain::{RequestId, SubjectId, Time};
use oubli_store::requests::{self, Advance, Request};
use oubli_store::{Result as StoreResult, StoreError, Tx};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::journal::{JournalEntry, Replay};
use crate::oubli::Oubli;
use crate::worker::{Leased, Next, working};

pub(crate) use clean::Cleaner;
pub(crate) use plan::plan;

/// What an erasure found and did: counts, never values.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Outcome {
    /// What was to go, as it was found before anything went.
    plan: Plan,
    /// The pseudonym of the subject in the log, in hex: made while the key is there, taken out with
    /// the last step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    subject_ref: Option<String>,
    /// The epoch of the app key that wrapped the data key.
    epoch: i64,
    /// Rows deleted by table.
    deleted: BTreeMap<String, u64>,
    /// Rows left by table, as the verification counted them.
    #[serde(default)]
    left: BTreeMap<String, u64>,
    /// When the data key was deleted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    keys_deleted_at: Option<Time>,
}

impl Outcome {
    fn of(request: &Request) -> StoreResult<Self> {
        let text = request.outcome.as_deref().ok_or(StoreError::Damaged("requests.outcome"))?;
        serde_json::from_str(text).map_err(|_| StoreError::Damaged("requests.outcome"))
    }

    fn text(&self) -> StoreResult<String> {
        serde_json::to_string(self).map_err(|_| StoreError::Damaged("an outcome to be stored"))
    }
}

/// Does the step that comes after the one the request has reached.
pub(crate) async fn step(oubli: &Oubli, leased: &Leased) -> Result<Next> {
    let request = leased.request(oubli).await?;
    let Step::Erasure(done) = request.step else {
        return Err(Error::Damaged("the step of an erasure"));
    };
    let work = Work { oubli, leased, request };
    match done {
        ErasureStep::Acknowledged => work.plan().await,
        ErasureStep::Planned => work.journal().await,
        ErasureStep::Journaled => work.keep().await,
        ErasureStep::Kept => work.delete_data().await,
        ErasureStep::DataDeleted => work.delete_keys().await,
        ErasureStep::KeysDeleted => work.verify().await,
        ErasureStep::Verified => work.certify().await,
        ErasureStep::Certified => work.finish().await,
    }
}

/// One turn of an erasure.
struct Work<'a> {
    oubli: &'a Oubli,
    leased: &'a Leased,
    request: Request,
}

impl Work<'_> {
    fn id(&self) -> RequestId {
        self.request.request
    }

    /// Whom it is about: linked until the certificate.
    fn subject(&self) -> Result<SubjectId> {
        self.request.subject.ok_or(Error::Damaged("the subject of an erasure"))
    }

    /// Step 2: a restore of either database is to replay the erasure.
    async fn journal(&self) -> Result<Next> {
        let entry = JournalEntry {
            v: 1,
            position: 0,
            at: self.oubli.now(),
            app: self.leased.job.app.clone(),
            replay: Replay::Erasure { request: self.id(), subject: self.subject()? },
        };
        self.oubli.node().journal.append(entry).await?;
        self.advance("erasure.journaled", ErasureStep::Planned, ErasureStep::Journaled, None).await
    }

    /// Commits that a step was done.
    async fn advance(
        &self,
        name: &'static str,
        from: ErasureStep,
        to: ErasureStep,
        outcome: Option<String>,
    ) -> Result<Next> {
        let (leased, id, now) = (self.leased.clone(), self.id(), self.oubli.now());
        let written = self.oubli.data().write(name, move |tx| {
            let (leased, outcome) = (leased.clone(), outcome.clone());
            Box::pin(async move { mark(tx, &leased, id, from, to, outcome, now).await })
        });
        written.await?;
        Ok(Next::Again)
    }
}

/// Records a step in the transaction of its writes.
async fn mark(
    tx: &mut Tx,
    leased: &Leased,
    request: RequestId,
    from: ErasureStep,
    to: ErasureStep,
    outcome: Option<String>,
    now: Time,
) -> StoreResult<()> {
    leased.hold(tx, now).await?;
    let row = requests::get(tx, &leased.job.app, request).await?;
    let row = row.ok_or(StoreError::Damaged("the request of an erasure"))?;
    let advance = Advance {
        from: Step::Erasure(from),
        to: Step::Erasure(to),
        state: working(&row)?,
        outcome,
        completed_at: None,
    };
    requests::advance(tx, &leased.job.app, request, &advance, now).await
}

#[cfg(test)]
mod tests;
