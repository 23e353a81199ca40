//! Rotation of the keys of kept items: the same as that of people's keys, over another table.

use oubli_domain::AppId;
use oubli_store::keys::kept_keys::{self, WrappedKeptKey};
use oubli_store::keys::key_sets;

use super::Result;
use super::rotate::BATCH;
use super::work::{Lease, taken_over};
use crate::error::Error;
use crate::keyring::AppKeys;

/// Rewraps the keys of kept items that stand under an epoch; gives how many, and how many do not open.
pub(super) async fn rewrap_kept(
    lease: &Lease<'_>,
    keys: &AppKeys,
    app: &AppId,
    epoch: i64,
) -> Result<(u64, u64)> {
    let (mut rewrapped, mut unreadable, mut after) = (0, 0, None);
    loop {
        let mut conn = lease.oubli.keys().conn().await?;
        let batch = kept_keys::under(&mut conn, app, epoch, after, BATCH).await?;
        drop(conn);
        let Some(last) = batch.last() else { return Ok((rewrapped, unreadable)) };
        after = Some(last.item);
        let read = batch.len();
        let opened: Vec<_> = batch.into_iter().filter_map(|row| rewrap(keys, row)).collect();
        unreadable += (read - opened.len()) as u64;
        rewrapped += write(lease, keys, app, opened).await?;
    }
}

/// A row with its key wrapped under the newest epoch; none when it does not open.
fn rewrap(keys: &AppKeys, row: WrappedKeptKey) -> Option<(WrappedKeptKey, Vec<u8>)> {
    let wrapped = keys.open_kept_key(&row).and_then(|key| {
        let key = key.ok_or(Error::Damaged("the epoch of the key of a kept item"))?;
        Ok(key.wrap(keys.current()?)?)
    });
    match wrapped {
        Ok(wrapped) => Some((row, wrapped)),
        Err(error) => {
            tracing::error!(error = %error, key = %row.key_id, "the key of a kept item does not open");
            None
        }
    }
}

/// Writes a batch. A row that was deleted meanwhile stays deleted.
async fn write(
    lease: &Lease<'_>,
    keys: &AppKeys,
    app: &AppId,
    batch: Vec<(WrappedKeptKey, Vec<u8>)>,
) -> Result<u64> {
    let (epoch, revision) = (i64::from(keys.current()?.epoch()), keys.revision());
    let (of, renewal) = (app.clone(), lease.renewal());
    let written = lease.oubli.keys().write("keys.rewrap_kept", move |tx| {
        let (app, batch) = (of.clone(), batch.clone());
        Box::pin(async move {
            let held = key_sets::hold(tx, &app, revision).await?;
            let mut rows = 0;
            for (old, wrapped) in &batch {
                rows += i64::from(kept_keys::rewrap(tx, &held, old, epoch, wrapped).await?);
            }
            renewal.renew(tx, rows).await?;
            Ok(rows)
        })
    });
    let rows = written.await.map_err(taken_over)?.unsigned_abs();
    lease.tell(rows);
    Ok(rows)
}
