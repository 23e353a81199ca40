//! Retirement: epochs that nothing stands under go, then the root key versions that nothing is
//! wrapped under. Backups from before the rotation are unreadable after that.

use oubli_domain::{AppId, Time};
use oubli_store::StoreError;
use oubli_store::keys::app_keys::{self, Epoch};
use oubli_store::keys::{key_sets, subject_keys, work};

use super::finality::finish_certificates;
use super::work::{Kind, Lease, taken_over};
use super::{KeysError, Result, Told};
use crate::error::Error;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// What may go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Retire {
    /// How many seconds an epoch has been empty at least.
    pub grace_seconds: i64,
    /// Only epochs that were empty before this time.
    pub before: Option<Time>,
}

/// An epoch that may go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// Whose epoch.
    pub app: String,
    /// Its number.
    pub epoch: i64,
    /// The root key version that wraps its key.
    pub root_version: i64,
    /// Backups from before this time need it.
    pub emptied_at: Time,
}

/// What a retirement did.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Retired {
    /// How many epochs are gone.
    pub epochs: usize,
    /// The root key versions that the provider deleted.
    pub root_versions: Vec<u32>,
    /// The root key versions that nothing needs and that the provider cannot delete.
    pub root_versions_left: Vec<u32>,
    /// How many certificates were issued again as final.
    pub certificates: usize,
}

/// The epochs that may go now.
///
/// # Errors
/// `InUse` when an old epoch still has something under it.
pub async fn candidates(oubli: &Oubli, what: Retire) -> Result<Vec<Candidate>> {
    Ok(due(oubli, what).await?.into_iter().map(|(_, candidate)| candidate).collect())
}

/// Retires what may go now. An interrupted retirement goes on.
///
/// # Errors
/// `Running`, `Interrupted`; `InUse`, and nothing was deleted.
pub async fn retire(oubli: &Oubli, what: Retire, told: Told<'_>) -> Result<Retired> {
    oubli.keyring().root().refresh()?;
    due(oubli, what).await?;
    let lease = Lease::take(oubli, Kind::Retire, told).await?;
    let due = match due(oubli, what).await {
        Ok(due) => due,
        Err(refused) => {
            lease.end(false).await?;
            return Err(refused);
        }
    };
    let mut done = Retired { epochs: due.len(), ..Retired::default() };
    lease.set_total(due.len() as u64).await?;
    for (epoch, _) in &due {
        retry_stale(|| retire_epoch(&lease, epoch)).await?;
        lease.tell(1);
    }
    retire_root_versions(oubli, what, &mut done).await?;
    note_final(oubli).await?;
    done.certificates = finish_certificates(&lease).await?;
    lease.end(false).await?;
    Ok(done)
}

async fn due(oubli: &Oubli, what: Retire) -> Result<Vec<(Epoch, Candidate)>> {
    let latest = oubli.now().plus_seconds(-what.grace_seconds);
    let latest = what.before.map_or(latest, |before| before.min(latest));
    let epochs = app_keys::epochs(&mut oubli.keys().conn().await?).await?;
    let mut due = Vec::new();
    for (n, epoch) in epochs.iter().enumerate() {
        let is_newest = epochs.get(n + 1).is_none_or(|next| next.app_id != epoch.app_id);
        if is_newest {
            continue;
        }
        let Some(emptied_at) = epoch.emptied_at.map(Time) else {
            return Err(in_use(oubli, epoch).await?);
        };
        if emptied_at <= latest {
            let candidate = Candidate {
                app: epoch.app_id.clone(),
                epoch: epoch.epoch,
                root_version: epoch.root_version,
                emptied_at,
            };
            due.push((epoch.clone(), candidate));
        }
    }
    Ok(due)
}

async fn in_use(oubli: &Oubli, epoch: &Epoch) -> Result<KeysError> {
    let app = app_of(epoch)?;
    let mut conn = oubli.keys().conn().await?;
    let counts = subject_keys::counts(&mut conn, &app).await?;
    let secrets = app_keys::secrets(&mut conn, &app).await?;
    Ok(KeysError::InUse {
        app: epoch.app_id.clone(),
        epoch: epoch.epoch,
        data_keys: counts.iter().find(|(n, _)| *n == epoch.epoch).map_or(0, |(_, keys)| *keys),
        secrets: secrets.iter().filter(|secret| secret.epoch == epoch.epoch).count(),
    })
}

fn app_of(epoch: &Epoch) -> Result<AppId, Error> {
    AppId::new(&epoch.app_id).map_err(|_| Error::Damaged("app_keys.app_id"))
}

async fn retire_epoch(lease: &Lease<'_>, epoch: &Epoch) -> Result<(), Error> {
    let (oubli, now, app) = (lease.oubli, lease.oubli.now(), app_of(epoch)?);
    let revision = oubli.keyring().load(&app).await?.revision();
    let (of, epoch, renewal) = (app.clone(), epoch.clone(), lease.renewal());
    let written = oubli.keys().write("keys.retire", move |tx| {
        let (app, epoch) = (of.clone(), epoch.clone());
        Box::pin(async move {
            let held = key_sets::change(tx, &app, revision).await?;
            renewal.renew(tx, 1).await?;
            app_keys::retire(tx, &held, &epoch, now).await
        })
    });
    written.await?;
    oubli.keyring().outdate(&app, revision);
    Ok(())
}

/// Deletes the root key versions under which nothing is wrapped, once the last rotation ended long
/// enough ago: a backup from before it has the service's secrets under them.
async fn retire_root_versions(oubli: &Oubli, what: Retire, done: &mut Retired) -> Result<()> {
    let mut conn = oubli.keys().conn().await?;
    let rotated = work::get(&mut conn).await?.and_then(|work| work.rotated_at).map(Time);
    drop(conn);
    let latest = oubli.now().plus_seconds(-what.grace_seconds);
    let latest = what.before.map_or(latest, |before| before.min(latest));
    if rotated.is_none_or(|rotated| latest < rotated) {
        return Ok(());
    }
    let root = oubli.keyring().root();
    if root.can_delete() {
        raise_floor(oubli, root.current()).await?;
    }
    // Read after the floor was raised: what was being wrapped then is here now.
    let used = app_keys::root_versions(&mut oubli.keys().conn().await?).await?;
    let current = root.current();
    let unused = |version: &u32| *version < current && !used.contains(&i64::from(*version));
    for version in root.versions().into_iter().filter(unused) {
        if root.can_delete() {
            root.delete_version(version)?;
            done.root_versions.push(version);
        } else {
            done.root_versions_left.push(version);
        }
    }
    Ok(())
}

async fn raise_floor(oubli: &Oubli, version: u32) -> Result<()> {
    let written = oubli.keys().write("keys.root_floor", move |tx| {
        Box::pin(async move { key_sets::raise_root_floor(tx, version.into()).await })
    });
    Ok(written.await?)
}

/// Remembers which retired epochs can be opened by no root key version any more, whoever deleted it.
async fn note_final(oubli: &Oubli) -> Result<()> {
    let there = oubli.keyring().root().versions();
    let retired = app_keys::retired(&mut oubli.keys().conn().await?).await?;
    let now = oubli.now();
    for epoch in retired.into_iter().filter(|epoch| epoch.final_at.is_none()) {
        let version = epoch.root_version;
        if there.iter().any(|there| i64::from(*there) == version) {
            continue;
        }
        let written = oubli.keys().write("keys.final", move |tx| {
            Box::pin(async move { app_keys::set_final(tx, version, now).await })
        });
        written.await.map_err(|error: StoreError| taken_over(error))?;
    }
    Ok(())
}
