//! Rows, then people's keys, then the count that nothing is left.

use std::collections::BTreeMap;

use oubli_domain::{AppId, DeletionStep};
use oubli_store::app_tables::{AppTable, DATA_TABLES, SUBJECT_KEY_TABLES, delete_chunk};
use oubli_store::{Result as StoreResult, StoreError, Tx, app_deletions, apps};

use super::view::count_all;
use super::{Outcome, Work, mark};
use crate::error::Result;
use crate::oubli::Oubli;
use crate::worker::Next;

impl Work<'_> {
    /// Every table in turn, a bounded number of rows in each transaction. The counts are kept with
    /// each deletion, so that they are right whatever happens in between.
    pub(super) async fn delete_data(&self) -> Result<Next> {
        for table in DATA_TABLES {
            while self.delete_rows(table).await? == table.most {}
        }
        let (leased, now) = (self.leased.clone(), self.oubli.now());
        let (from, to) = (DeletionStep::Journaled, DeletionStep::DataDeleted);
        let written = self.oubli.data().write("leaving.data_deleted", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                mark(tx, &leased, from, to, None, now).await?;
                apps::wipe(tx, &leased.job.app).await
            })
        });
        written.await?;
        Ok(Next::Again)
    }

    async fn delete_rows(&self, table: &'static AppTable) -> Result<u64> {
        let (leased, now) = (self.leased.clone(), self.oubli.now());
        let deleted = self.oubli.data().write("leaving.delete", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                let app = &leased.job.app;
                let rows = delete_chunk(tx, table, app).await?;
                if rows > 0 {
                    let mut outcome = current(tx, app).await?;
                    *outcome.deleted.entry(table.name.to_owned()).or_default() += rows;
                    let step = DeletionStep::Journaled;
                    mark(tx, &leased, step, step, Some(outcome.text()?), now).await?;
                }
                Ok(rows)
            })
        });
        Ok(deleted.await?)
    }

    /// With the data keys every copy of the app's ciphertext becomes unreadable.
    pub(super) async fn delete_keys(&self) -> Result<Next> {
        let app = &self.leased.job.app;
        let mut outcome = self.count_keys().await?;
        for table in SUBJECT_KEY_TABLES {
            while delete_keys_chunk(self.oubli, app, table).await? == table.most {}
        }
        self.oubli.keyring().forget_app(app);
        outcome.data_keys_deleted_at = Some(self.oubli.now());
        let (from, to) = (DeletionStep::DataDeleted, DeletionStep::KeysDeleted);
        self.advance("leaving.keys_deleted", from, to, Some(outcome)).await
    }

    /// The rows of the other database cannot be counted in the transaction that deletes them: the
    /// most that was ever there before is what went.
    async fn count_keys(&self) -> Result<Outcome> {
        let mut conn = self.oubli.keys().conn().await?;
        let found = count_all(&mut conn, SUBJECT_KEY_TABLES, &self.leased.job.app).await?;
        drop(conn);
        let mut outcome = self.outcome.clone();
        for (table, rows) in found {
            let deleted = outcome.deleted.entry(table).or_default();
            *deleted = rows.max(*deleted);
        }
        let step = DeletionStep::DataDeleted;
        self.advance("leaving.count_keys", step, step, Some(outcome.clone())).await?;
        Ok(outcome)
    }

    /// Counts every table but those of the keys that are needed to sign. Should anything be left it
    /// goes in another round.
    pub(super) async fn verify(&self) -> Result<Next> {
        let mut outcome = self.outcome.clone();
        if self.oubli.lies_ahead(outcome.data_keys_deleted_at) {
            outcome.data_keys_deleted_at = Some(self.oubli.now());
            let step = DeletionStep::KeysDeleted;
            return self.advance("leaving.wait_anew", step, step, Some(outcome)).await;
        }
        if let Some(until) = self.oubli.keys_may_be_held_until(outcome.data_keys_deleted_at) {
            return Ok(Next::At(until));
        }
        outcome.left = left(self.oubli, &self.leased.job.app).await?;
        let clean = outcome.left.values().all(|rows| *rows == 0);
        let to = if clean { DeletionStep::Verified } else { DeletionStep::Journaled };
        self.advance("leaving.verified", DeletionStep::KeysDeleted, to, Some(outcome)).await
    }
}

/// Deletes some rows of a table of `keys`.
async fn delete_keys_chunk(oubli: &Oubli, app: &AppId, table: &'static AppTable) -> Result<u64> {
    let app = app.clone();
    let deleted = oubli.keys().write("leaving.delete_keys", move |tx| {
        let app = app.clone();
        Box::pin(async move { delete_chunk(tx, table, &app).await })
    });
    Ok(deleted.await?)
}

/// What is left of rows and of people's keys, by table.
async fn left(oubli: &Oubli, app: &AppId) -> Result<BTreeMap<String, u64>> {
    let mut left = count_all(&mut oubli.data().conn().await?, DATA_TABLES, app).await?;
    let mut conn = oubli.keys().conn().await?;
    left.append(&mut count_all(&mut conn, SUBJECT_KEY_TABLES, app).await?);
    Ok(left)
}

/// The outcome as the transaction sees it.
async fn current(tx: &mut Tx, app: &AppId) -> StoreResult<Outcome> {
    let row = app_deletions::get(tx, app).await?;
    Outcome::of(&row.ok_or(StoreError::Damaged("the deletion of an app"))?)
}
