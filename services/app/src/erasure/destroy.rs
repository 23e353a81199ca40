//! Steps 5 to 7: rows, then keys, then the count that nothing is left.

use oubli_domain::SubjectId;
use oubli_domain::request::ErasureStep;
use oubli_store::erasure::{DATA_TABLES, KEY_TABLES, delete_chunk};
use oubli_store::{Result as StoreResult, StoreError, Tx, requests};

use super::plan::counts;
use super::{Outcome, Work, mark};
use crate::error::Result;
use crate::worker::{Leased, Next};

/// After so many rows a transaction begins no other table, whose chunk has as many at most.
const ENOUGH: u64 = 500;

impl Work<'_> {
    /// Step 5: every table in turn, a bounded number of rows in each transaction. The counts are
    /// kept with each deletion, so that they are right whatever happens in between.
    pub(super) async fn delete_data(&self) -> Result<Next> {
        let subject = self.subject()?;
        while self.delete_rows(subject).await? {}
        Ok(Next::Again)
    }

    /// Deletes rows, table after table; true when there may be more of them. The last ones go with the
    /// step's own marker.
    async fn delete_rows(&self, subject: SubjectId) -> Result<bool> {
        let (leased, id, now) = (self.leased.clone(), self.id(), self.oubli.now());
        let deleted = self.oubli.data().write("erasure.delete", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                let mut outcome = current(tx, &leased, id).await?;
                let more = delete_some(tx, &leased, subject, &mut outcome).await?;
                let from = ErasureStep::Kept;
                let to = if more { from } else { ErasureStep::DataDeleted };
                mark(tx, &leased, id, from, to, Some(outcome.text()?), now).await?;
                Ok(more)
            })
        });
        Ok(deleted.await?)
    }

    /// Step 6: with the data key every copy of the person's ciphertext becomes unreadable.
    pub(super) async fn delete_keys(&self) -> Result<Next> {
        let (app, subject) = (self.leased.job.app.clone(), self.subject()?);
        self.count_keys(subject).await?;
        for table in KEY_TABLES {
            loop {
                let of = app.clone();
                let deleted = self.oubli.keys().write("erasure.delete_keys", move |tx| {
                    let app = of.clone();
                    Box::pin(async move { delete_chunk(tx, table, &app, subject).await })
                });
                if deleted.await? < table.most {
                    break;
                }
            }
        }
        self.oubli.keyring().forget(&app, subject);
        let mut outcome = Outcome::of(&self.leased.request(self.oubli).await?)?;
        outcome.keys_deleted_at = Some(self.oubli.now());
        let (from, to) = (ErasureStep::DataDeleted, ErasureStep::KeysDeleted);
        self.advance("erasure.keys_deleted", from, to, Some(outcome.text()?)).await
    }

    /// The rows of the other database cannot be counted in the transaction that deletes them: the
    /// most that was ever there before is what went.
    async fn count_keys(&self, subject: SubjectId) -> Result<()> {
        let mut conn = self.oubli.keys().conn().await?;
        let found = counts(&mut conn, KEY_TABLES, &self.leased.job.app, subject).await?;
        drop(conn);
        let (leased, id, now) = (self.leased.clone(), self.id(), self.oubli.now());
        let written = self.oubli.data().write("erasure.count_keys", move |tx| {
            let (leased, found) = (leased.clone(), found.clone());
            Box::pin(async move {
                let mut outcome = current(tx, &leased, id).await?;
                for (table, rows) in found {
                    let deleted = outcome.deleted.entry(table).or_default();
                    *deleted = rows.max(*deleted);
                }
                let step = ErasureStep::DataDeleted;
                mark(tx, &leased, id, step, step, Some(outcome.text()?), now).await
            })
        });
        Ok(written.await?)
    }

    /// Step 7: counts every table, and what is kept. What a write that began before the acknowledgement
    /// left behind goes in another round.
    pub(super) async fn verify(&self) -> Result<Next> {
        let mut outcome = Outcome::of(&self.request)?;
        if self.oubli.lies_ahead(outcome.keys_deleted_at) {
            outcome.keys_deleted_at = Some(self.oubli.now());
            let (step, outcome) = (ErasureStep::KeysDeleted, outcome.text()?);
            return self.advance("erasure.wait_anew", step, step, Some(outcome)).await;
        }
        if let Some(until) = self.oubli.keys_may_be_held_until(outcome.keys_deleted_at) {
            return Ok(Next::At(until));
        }
        let (app, subject) = (&self.leased.job.app, self.subject()?);
        let mut left =
            counts(&mut self.oubli.data().snapshot().await?, DATA_TABLES, app, subject).await?;
        let mut conn = self.oubli.keys().conn().await?;
        left.append(&mut counts(&mut conn, KEY_TABLES, app, subject).await?);
        drop(conn);
        let clean = left.values().all(|rows| *rows == 0);
        self.count_kept(&outcome.plan.kept).await?;
        outcome.left = left;
        let to = if clean { ErasureStep::Verified } else { ErasureStep::Kept };
        let from = ErasureStep::KeysDeleted;
        self.advance("erasure.verified", from, to, Some(outcome.text()?)).await
    }
}

/// Deletes up to a thousand rows in the order of the tables; true when there may be more. A table is
/// begun only when the one before is empty.
async fn delete_some(
    tx: &mut Tx,
    leased: &Leased,
    subject: SubjectId,
    outcome: &mut Outcome,
) -> StoreResult<bool> {
    let mut all = 0;
    for table in DATA_TABLES {
        let rows = delete_chunk(tx, table, &leased.job.app, subject).await?;
        if rows > 0 {
            *outcome.deleted.entry(table.name.to_owned()).or_default() += rows;
        }
        all += rows;
        if rows == table.most || all >= ENOUGH {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The outcome as the transaction sees it.
async fn current(
    tx: &mut Tx,
    leased: &Leased,
    request: oubli_domain::RequestId,
) -> StoreResult<Outcome> {
    let row = requests::get(tx, &leased.job.app, request).await?;
    Outcome::of(&row.ok_or(StoreError::Damaged("the request of an erasure"))?)
}
