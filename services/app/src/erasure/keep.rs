//! Step 4: what must stay is sealed anew, each item under a key of its own, before anything goes.

use std::collections::BTreeSet;

use oubli_domain::request::{ErasureStep, KeptItem};
use oubli_domain::{AppId, HoldId, KeptItemId, RequestId, SubjectId, Time};
use oubli_store::kept_items::{self, Stored};
use oubli_store::keys::kept_keys;
use oubli_store::records::{self, RecordKey};
use oubli_store::{Result as StoreResult, Tx, holds};
use oubli_vault::DataKey;

use super::{Outcome, Work, mark};
use crate::error::{Error, Result};
use crate::kept_items::{Sealed, delete_keys, seal};
use crate::worker::Next;

/// The most items of one transaction: each may be of a record of 256 KiB.
const BATCH: usize = 16;

impl Work<'_> {
    /// Items that are there from an earlier turn are passed over. What cannot be read any more cannot
    /// be kept: it leaves the plan, so that the certificate does not claim it.
    pub(super) async fn keep(&self) -> Result<Next> {
        let mut outcome = Outcome::of(&self.request)?;
        let (app, subject) = (&self.leased.job.app, self.subject()?);
        if outcome.plan.keeps_anything() {
            let unreadable = self.keep_all(&outcome.plan.kept, subject).await?;
            let is_kept = |item: &KeptItem| item.item.is_some_and(|id| !unreadable.contains(&id));
            outcome.plan.kept.retain(is_kept);
            self.oubli.keyring().forget(app, subject);
        }
        self.kept(&outcome).await
    }

    /// Keeps what is not kept yet; gives the items that cannot be read.
    async fn keep_all(
        &self,
        planned: &[KeptItem],
        subject: SubjectId,
    ) -> Result<BTreeSet<KeptItemId>> {
        let app = &self.leased.job.app;
        let mut conn = self.oubli.data().conn().await?;
        let there = kept_items::ids_of_request(&mut conn, app, self.id()).await?;
        drop(conn);
        let missing = planned.iter().filter_map(|item| Some((item.item?, item)));
        let missing: Vec<_> = missing.filter(|(id, _)| !there.contains(id)).collect();
        let Some(key) = self.oubli.keyring().data_key_if_any(app, subject).await? else {
            return Ok(missing.iter().map(|(id, _)| *id).collect());
        };
        let mut unreadable = BTreeSet::new();
        for batch in missing.chunks(BATCH) {
            unreadable.append(&mut self.keep_some(batch, subject, &key).await?);
        }
        Ok(unreadable)
    }

    async fn keep_some(
        &self,
        batch: &[(KeptItemId, &KeptItem)],
        subject: SubjectId,
        key: &DataKey,
    ) -> Result<BTreeSet<KeptItemId>> {
        let (app, now) = (&self.leased.job.app, self.oubli.now());
        let ids: Vec<KeptItemId> = batch.iter().map(|(id, _)| *id).collect();
        let keys = self.oubli.keyring().make_kept_keys(app, &ids, now).await?;
        let (mut sealed, mut unreadable) = (Vec::new(), BTreeSet::new());
        for (id, kept_key) in &keys {
            let Some((_, item)) = batch.iter().find(|(of, _)| of == id) else { continue };
            match self.seal(subject, key, *id, item, kept_key).await {
                Ok(fields) => sealed.push((self.row(*id, item, now), fields)),
                Err(error @ (Error::Vault(_) | Error::Damaged(_))) => {
                    tracing::error!(error = %error, item = %id, "what must stay does not open");
                    unreadable.insert(*id);
                }
                Err(error) => return Err(error),
            }
        }
        self.write(sealed).await?;
        if !unreadable.is_empty() {
            delete_keys(self.oubli, app, unreadable.iter().copied().collect()).await?;
        }
        Ok(unreadable)
    }

    async fn seal(
        &self,
        subject: SubjectId,
        key: &DataKey,
        id: KeptItemId,
        item: &KeptItem,
        kept_key: &DataKey,
    ) -> Result<Sealed> {
        let (category, record) = (item.category.clone(), item.record.clone());
        let place = RecordKey { subject, category, record };
        let mut conn = self.oubli.data().conn().await?;
        let stored = records::get(&mut conn, &self.leased.job.app, &place).await?;
        seal(key, &stored.ok_or(Error::Damaged("a record that must stay"))?, kept_key, id, item)
    }

    fn row(&self, id: KeptItemId, item: &KeptItem, now: Time) -> Stored {
        Stored { id, request: self.id(), item: item.clone(), created_at: now }
    }

    async fn write(&self, sealed: Vec<(Stored, Sealed)>) -> Result<()> {
        let (leased, now) = (self.leased.clone(), self.oubli.now());
        let written = self.oubli.data().write("erasure.keep", move |tx| {
            let (leased, sealed) = (leased.clone(), sealed.clone());
            Box::pin(async move {
                leased.hold(tx, now).await?;
                for (row, fields) in &sealed {
                    kept_items::insert(tx, &leased.job.app, row, fields).await?;
                }
                Ok(())
            })
        });
        Ok(written.await?)
    }

    /// Ends the step: holds that keep something name the request from now on, and nobody.
    async fn kept(&self, outcome: &Outcome) -> Result<Next> {
        let (leased, id, now) = (self.leased.clone(), self.id(), self.oubli.now());
        let (holds, text) = (outcome.plan.keeping_holds(), outcome.text()?);
        let written = self.oubli.data().write("erasure.kept", move |tx| {
            let (leased, holds, text) = (leased.clone(), holds.clone(), text.clone());
            Box::pin(async move {
                let (from, to) = (ErasureStep::Journaled, ErasureStep::Kept);
                mark(tx, &leased, id, from, to, Some(text), now).await?;
                unlink(tx, &leased.job.app, id, &holds).await
            })
        });
        written.await?;
        Ok(Next::Again)
    }

    /// Whether every planned item stands there with its key, as the certificate will say.
    ///
    /// # Errors
    /// `Damaged` when one does not: no certificate may then be issued.
    pub(super) async fn count_kept(&self, planned: &[KeptItem]) -> Result<()> {
        let app = &self.leased.job.app;
        let planned: BTreeSet<KeptItemId> = planned.iter().filter_map(|item| item.item).collect();
        let mut conn = self.oubli.data().conn().await?;
        let there = kept_items::ids_of_request(&mut conn, app, self.id()).await?;
        drop(conn);
        let ids: Vec<KeptItemId> = planned.iter().copied().collect();
        let mut conn = self.oubli.keys().conn().await?;
        let keys = kept_keys::get_many(&mut conn, app, &ids).await?;
        if there == planned && keys.len() == planned.len() {
            return Ok(());
        }
        Err(Error::Damaged("what an erasure keeps"))
    }
}

async fn unlink(
    tx: &mut Tx,
    app: &AppId,
    request: RequestId,
    keeping: &BTreeSet<HoldId>,
) -> StoreResult<()> {
    for hold in keeping {
        holds::keep(tx, app, *hold, request).await?;
    }
    Ok(())
}
