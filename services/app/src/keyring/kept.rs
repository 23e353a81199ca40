//! The keys of kept items. None is held in memory: what is kept is seldom read.

use oubli_domain::{AppId, KeptItemId, Time};
use oubli_store::keys::{kept_keys, key_sets};
use oubli_vault::DataKey;

use super::Keyring;
use crate::error::{Error, Result};
use crate::retry::retry_stale;

impl Keyring {
    /// The key of a kept item; none when it has none any more.
    ///
    /// # Errors
    /// When the database does not answer, or the key does not open.
    pub(crate) async fn kept_key(&self, app: &AppId, item: KeptItemId) -> Result<Option<DataKey>> {
        Ok(self.kept_keys(app, &[item]).await?.into_iter().next().map(|(_, key)| key))
    }

    /// The keys of those of these items that have one.
    async fn kept_keys(
        &self,
        app: &AppId,
        items: &[KeptItemId],
    ) -> Result<Vec<(KeptItemId, DataKey)>> {
        // One of an epoch that is not held was rewrapped since: both are read once more.
        for _ in 0..2 {
            let rows = kept_keys::get_many(&mut self.keys.conn().await?, app, items).await?;
            let keys = self.app(app).await?;
            let opened = rows.iter().map(|row| Ok((row.item, keys.open_kept_key(row)?)));
            let opened: Vec<(KeptItemId, Option<DataKey>)> = opened.collect::<Result<_>>()?;
            if opened.iter().all(|(_, key)| key.is_some()) {
                return Ok(opened.into_iter().filter_map(|(id, key)| Some((id, key?))).collect());
            }
            self.is_stale(&keys).await?;
        }
        Err(Error::Damaged("the epoch of the key of a kept item"))
    }

    /// The keys of these items, made where there are none. A key that is there stays, whoever made
    /// it: values may be sealed under it.
    ///
    /// # Errors
    /// When the database does not answer, or a key does not open.
    pub(crate) async fn make_kept_keys(
        &self,
        app: &AppId,
        items: &[KeptItemId],
        now: Time,
    ) -> Result<Vec<(KeptItemId, DataKey)>> {
        retry_stale(|| self.try_make_kept_keys(app, items, now)).await?;
        let keys = self.kept_keys(app, items).await?;
        if keys.len() == items.len() { Ok(keys) } else { Err(Error::Damaged("kept_keys")) }
    }

    async fn try_make_kept_keys(&self, app: &AppId, items: &[KeptItemId], now: Time) -> Result<()> {
        let keys = self.app(app).await?;
        let rows = items.iter().map(|item| keys.new_kept_key(*item));
        let (rows, revision) = (rows.collect::<Result<Vec<_>>>()?, keys.revision());
        let of = app.clone();
        let written = self.keys.write("keys.kept", move |tx| {
            let (app, rows) = (of.clone(), rows.clone());
            Box::pin(async move {
                let held = key_sets::hold(tx, &app, revision).await?;
                for row in &rows {
                    kept_keys::insert_if_absent(tx, &held, row, now).await?;
                }
                Ok(())
            })
        });
        let written = written.await;
        if matches!(written, Err(oubli_store::StoreError::Stale)) {
            self.outdate(app, revision);
        }
        Ok(written?)
    }
}
