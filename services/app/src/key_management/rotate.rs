//! Rotation: a new root key version, a new epoch for each app, and everything rewrapped.

use oubli_domain::{AppId, SubjectId, Time};
use oubli_store::StoreError;
use oubli_store::keys::app_keys::{self, AppSecret, WrappedAppKey};
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_store::keys::{key_sets, service_secrets};
use oubli_vault::{AppKey, VaultError};

use super::rotate_kept::rewrap_kept;
use super::work::{Kind, Lease, apps, taken_over, unless_gone};
use super::{KeysError, Result, Told};
use crate::error::Error;
use crate::keyring::AppKeys;
use crate::oubli::Oubli;
use crate::retry::retry_stale;
use crate::secrets;

/// The most data keys of one transaction: others wait for it on SQLite.
pub(super) const BATCH: i64 = 100;

/// What to rotate.
#[derive(Clone, Default, Debug)]
pub struct Rotate {
    /// One app's epoch; every app's when none is named.
    pub app: Option<AppId>,
    /// Keep the root key version. Old backups then stay readable under it.
    pub epoch_only: bool,
}

/// What a rotation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// The root key version that everything rotated is under.
    pub root_version: u32,
    /// How many apps have a new epoch.
    pub apps: usize,
    /// How many data keys were rewrapped by this run.
    pub rewrapped: u64,
    /// How many data keys did not open. They were left, and so is their epoch.
    pub unreadable: u64,
}

/// Rotates keys, while the service runs on any number of nodes. An interrupted rotation goes on: with
/// the apps that are named now, and when those are done it has ended. What another one has left under
/// an old epoch, a later rotation moves; a retirement leaves it.
///
/// # Errors
/// `Running`, `Interrupted`, `RootReadOnly`, `NoSuchApp`; others when something fails: run it again.
pub async fn rotate(oubli: &Oubli, what: &Rotate, told: Told<'_>) -> Result<Rotated> {
    oubli.keyring().root().refresh()?;
    let apps = apps(oubli, what.app.as_ref()).await?;
    if !what.epoch_only {
        check_root(oubli).await?;
    }
    let lease = Lease::take(oubli, Kind::Rotate, told).await?;
    let root_version = target(&lease, what.epoch_only).await?;
    rewrap_service_secrets(&lease, root_version).await?;
    for app in &apps {
        unless_gone(oubli, app, new_epoch(&lease, app, root_version).await).await?;
    }
    lease.set_total(left(oubli, &apps).await?).await?;
    let mut rotated = Rotated { root_version, apps: 0, rewrapped: 0, unreadable: 0 };
    for app in &apps {
        let done = rewrap_app(&lease, app).await;
        let Some((rewrapped, unreadable)) = unless_gone(oubli, app, done).await? else { continue };
        rotated.apps += 1;
        rotated.rewrapped += rewrapped;
        rotated.unreadable += unreadable;
    }
    lease.end(true).await?;
    Ok(rotated)
}

/// Refuses before anything was begun when there is no version to rotate to.
async fn check_root(oubli: &Oubli) -> Result<()> {
    let root = oubli.keyring().root();
    if root.can_delete() || unused(oubli).await?.is_some() || under_way(oubli).await? {
        return Ok(());
    }
    Err(KeysError::RootReadOnly { provider: root.name() })
}

async fn under_way(oubli: &Oubli) -> Result<bool> {
    let work = oubli_store::keys::work::get(&mut oubli.keys().conn().await?).await?;
    Ok(work.is_some_and(|work| work.ended_at.is_none() && work.root_version.is_some()))
}

/// The provider's current version when nothing is wrapped under it yet: it was just added, by hand
/// or by a rotation that was interrupted at once.
async fn unused(oubli: &Oubli) -> Result<Option<u32>> {
    let used = app_keys::root_versions(&mut oubli.keys().conn().await?).await?;
    let current = oubli.keyring().root().current();
    Ok(Some(current).filter(|version| !used.contains(&i64::from(*version))))
}

/// The root key version to rotate to.
async fn target(lease: &Lease<'_>, epoch_only: bool) -> Result<u32> {
    let root = lease.oubli.keyring().root();
    if let Some(version) = lease.root_version {
        return Ok(u32::try_from(version).map_err(|_| StoreError::Damaged("key_work"))?);
    }
    let version = match unused(lease.oubli).await? {
        _ if epoch_only => root.current(),
        Some(version) => version,
        None => root.add_version()?,
    };
    lease.set_root_version(version.into()).await?;
    Ok(version)
}

async fn rewrap_service_secrets(lease: &Lease<'_>, target: u32) -> Result<()> {
    let oubli = lease.oubli;
    let stored = service_secrets::all(&mut oubli.keys().conn().await?).await?;
    for old in stored.into_iter().filter(|secret| secret.root_version < i64::from(target)) {
        let new = secrets::rewrap(oubli.keyring().root(), &old)?;
        let renewal = lease.renewal();
        let written = oubli.keys().write("keys.rewrap_secret", move |tx| {
            let (old, new) = (old.clone(), new.clone());
            Box::pin(async move {
                renewal.renew(tx, 0).await?;
                let root = key_sets::hold_root(tx, new.root_version.into()).await?;
                service_secrets::rewrap(tx, &root, &old, &new.bytes).await
            })
        });
        written.await.map_err(taken_over)?;
    }
    Ok(())
}

/// Gives an app a new epoch, with its secrets under it, unless this rotation has done so.
async fn new_epoch(lease: &Lease<'_>, app: &AppId, target: u32) -> Result<()> {
    let epochs = app_keys::epochs(&mut lease.oubli.keys().conn().await?).await?;
    let newest = epochs.into_iter().rfind(|epoch| epoch.app_id == app.as_str());
    let newest = newest.ok_or(StoreError::Damaged("an app has no key"))?;
    if Time(newest.created_at) >= lease.started_at && newest.root_version >= i64::from(target) {
        return Ok(());
    }
    Ok(retry_stale(|| try_new_epoch(lease, app)).await?)
}

async fn try_new_epoch(lease: &Lease<'_>, app: &AppId) -> Result<(), Error> {
    let (oubli, now) = (lease.oubli, lease.oubli.now());
    let keys = oubli.keyring().load(app).await?;
    let next = AppKey::generate(app, keys.current()?.epoch().saturating_add(1));
    let wrapped = next.wrap(oubli.keyring().root())?;
    let row = WrappedAppKey {
        epoch: next.epoch().into(),
        root_version: wrapped.root_version.into(),
        wrapped: wrapped.bytes,
    };
    let stored = app_keys::secrets(&mut oubli.keys().conn().await?, app).await?;
    let resealed: Vec<(AppSecret, Vec<u8>)> = stored
        .into_iter()
        .map(|old| keys.reseal(&old, &next).map(|new| (old, new)))
        .collect::<Result<_, _>>()?;
    let (of, revision, renewal) = (app.clone(), keys.revision(), lease.renewal());
    let written = oubli.keys().write("keys.new_epoch", move |tx| {
        let (app, row, resealed) = (of.clone(), row.clone(), resealed.clone());
        Box::pin(async move {
            let held = key_sets::change(tx, &app, revision).await?;
            renewal.renew(tx, 0).await?;
            let root = key_sets::hold_root(tx, row.root_version).await?;
            app_keys::insert(tx, &held, &root, &row, now).await?;
            for (old, new) in &resealed {
                app_keys::rewrap_secret(tx, &held, old, row.epoch, new).await?;
            }
            Ok(())
        })
    });
    written.await?;
    oubli.keyring().outdate(app, revision);
    Ok(())
}

/// How many data keys stand under epochs that are not the newest.
async fn left(oubli: &Oubli, apps: &[AppId]) -> Result<u64> {
    let mut left = 0;
    for app in apps {
        let keys = oubli.keyring().app(app).await.map_err(Into::into);
        let Some(keys) = unless_gone(oubli, app, keys).await? else { continue };
        let newest = i64::from(keys.current()?.epoch());
        let counts = subject_keys::counts(&mut oubli.keys().conn().await?, app).await?;
        let old = counts.into_iter().filter(|(epoch, _)| *epoch < newest);
        left += old.map(|(_, keys)| keys.unsigned_abs()).sum::<u64>();
    }
    Ok(left)
}

/// Rewraps an app's data keys and the keys of what it keeps; gives how many it rewrapped and how many do not open.
async fn rewrap_app(lease: &Lease<'_>, app: &AppId) -> Result<(u64, u64)> {
    let oubli = lease.oubli;
    let keys = oubli.keyring().load(app).await?;
    let newest = i64::from(keys.current()?.epoch());
    let (mut rewrapped, mut unreadable) = (0, 0);
    for epoch in keys.epochs().filter(|epoch| *epoch < newest) {
        let mut after = None;
        while let Some(batch) = next_batch(oubli, app, epoch, after).await? {
            after = batch.last().map(|row| row.subject);
            let read = batch.len();
            let opened = rewrap_all(&keys, batch);
            unreadable += (read - opened.len()) as u64;
            rewrapped += write_batch(lease, &keys, app, opened).await?;
        }
        let (kept, unreadable_kept) = rewrap_kept(lease, &keys, app, epoch).await?;
        (rewrapped, unreadable) = (rewrapped + kept, unreadable + unreadable_kept);
        note_empty(oubli, app, epoch).await?;
    }
    Ok((rewrapped, unreadable))
}

async fn next_batch(
    oubli: &Oubli,
    app: &AppId,
    epoch: i64,
    after: Option<SubjectId>,
) -> Result<Option<Vec<WrappedDataKey>>> {
    let mut conn = oubli.keys().conn().await?;
    let rows = subject_keys::under(&mut conn, app, epoch, after, BATCH).await?;
    Ok(Some(rows).filter(|rows| !rows.is_empty()))
}

/// The rows that open, with their keys wrapped anew.
fn rewrap_all(keys: &AppKeys, batch: Vec<WrappedDataKey>) -> Vec<(WrappedDataKey, Vec<u8>)> {
    let rewrapped = batch.into_iter().filter_map(|row| match keys.rewrap(&row) {
        Ok(wrapped) => Some((row, wrapped)),
        Err(error) => {
            tracing::error!(error = %error, key = %row.key_id, "a data key does not open");
            None
        }
    });
    rewrapped.collect()
}

/// Writes a batch. A row that an erasure deleted meanwhile stays deleted.
async fn write_batch(
    lease: &Lease<'_>,
    keys: &AppKeys,
    app: &AppId,
    batch: Vec<(WrappedDataKey, Vec<u8>)>,
) -> Result<u64> {
    let (epoch, revision) = (i64::from(keys.current()?.epoch()), keys.revision());
    let (of, renewal) = (app.clone(), lease.renewal());
    let written = lease.oubli.keys().write("keys.rewrap", move |tx| {
        let (app, batch) = (of.clone(), batch.clone());
        Box::pin(async move {
            let held = key_sets::hold(tx, &app, revision).await?;
            let mut rows = 0;
            for (old, wrapped) in &batch {
                rows += i64::from(subject_keys::rewrap(tx, &held, old, epoch, wrapped).await?);
            }
            renewal.renew(tx, rows).await?;
            Ok(rows)
        })
    });
    let rows = written.await.map_err(taken_over)?.unsigned_abs();
    lease.tell(rows);
    Ok(rows)
}

/// Remembers since when nothing stands under an epoch: its grace counts from there.
async fn note_empty(oubli: &Oubli, app: &AppId, epoch: i64) -> Result<()> {
    let (of, now) = (app.clone(), oubli.now());
    let written = oubli.keys().write("keys.emptied", move |tx| {
        let app = of.clone();
        Box::pin(async move { app_keys::set_emptied(tx, &app, epoch, now).await })
    });
    written.await?;
    Ok(())
}

impl AppKeys {
    /// The epochs whose keys these are, oldest first.
    fn epochs(&self) -> impl Iterator<Item = i64> {
        self.epoch_numbers().map(i64::from)
    }

    /// A data key's row wrapped under the newest epoch.
    fn rewrap(&self, row: &WrappedDataKey) -> Result<Vec<u8>, Error> {
        let key = self.open_data_key(row)?.ok_or(Error::Damaged("the epoch of a data key"))?;
        Ok(key.wrap(self.current()?)?)
    }

    /// A secret sealed under another key of the app.
    fn reseal(&self, old: &AppSecret, next: &AppKey) -> Result<Vec<u8>, Error> {
        let version = u32::try_from(old.version).map_err(|_| VaultError::UnknownVersion)?;
        Ok(next.seal_secret(&old.name, version, &self.open_secret(old)?)?)
    }
}
