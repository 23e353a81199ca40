//! Retirement: epochs that nothing stands under go, then the root key versions that nothing is
//! wrapped under. Backups from before the rotation are unreadable after that.

use oubli_domain::{AppId, Time};
use oubli_store::StoreError;
use oubli_store::keys::app_keys::{self, Epoch};
use oubli_store::keys::{key_sets, subject_keys, work};

use super::finality::finish_certificates;
use super::work::{Kind, Lease, taken_over, unless_gone};
use super::{Result, Told};
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

/// An old epoch that something still stands under: it stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InUse {
    /// Whose epoch.
    pub app: String,
    /// Its number.
    pub epoch: i64,
    /// The data keys under it.
    pub data_keys: i64,
    /// The app's secrets under it.
    pub secrets: usize,
}

/// What a retirement would do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Due {
    /// The epochs that may go.
    pub epochs: Vec<Candidate>,
    /// The root key versions that nothing needs once those are gone, and that the provider can
    /// delete.
    pub root_versions: Vec<u32>,
    /// The old epochs that cannot go.
    pub in_use: Vec<InUse>,
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
    /// How many certificates do not verify. They were left as they are.
    pub certificates_unreadable: usize,
}

/// What may go now, and what stands in the way of the rest.
///
/// # Errors
/// When the database does not answer.
pub async fn due(oubli: &Oubli, what: Retire) -> Result<Due> {
    oubli.keyring().root().refresh()?;
    let (epochs, in_use) = due_epochs(oubli, what).await?;
    let epochs: Vec<_> = epochs.into_iter().map(|(_, candidate)| candidate).collect();
    let root_versions = due_root_versions(oubli, what, &epochs).await?;
    Ok(Due { epochs, root_versions, in_use })
}

/// Retires what is `confirmed`, as far as it still may go. An interrupted retirement goes on.
///
/// # Errors
/// `Running`, `Interrupted`; others when something fails: run it again.
pub async fn retire(
    oubli: &Oubli,
    what: Retire,
    confirmed: &Due,
    told: Told<'_>,
) -> Result<Retired> {
    oubli.keyring().root().refresh()?;
    let lease = Lease::take(oubli, Kind::Retire, told).await?;
    let (mut due, _) = due_epochs(oubli, what).await?;
    due.retain(|(_, candidate)| confirmed.epochs.contains(candidate));
    lease.set_total(due.len() as u64).await?;
    let mut done = Retired::default();
    for (epoch, _) in &due {
        let app = app_of(epoch)?;
        let retired = retry_stale(|| retire_epoch(&lease, epoch)).await.map_err(Into::into);
        done.epochs += usize::from(unless_gone(oubli, &app, retired).await?.is_some());
        lease.tell(1);
    }
    retire_root_versions(oubli, what, confirmed, &mut done).await?;
    note_final(oubli).await?;
    let certificates = finish_certificates(&lease).await?;
    (done.certificates, done.certificates_unreadable) =
        (certificates.issued, certificates.unreadable);
    lease.end(false).await?;
    Ok(done)
}

/// Before when an epoch must have been empty.
fn latest(oubli: &Oubli, what: Retire) -> Time {
    let latest = oubli.now().plus_seconds(-what.grace_seconds);
    what.before.map_or(latest, |before| before.min(latest))
}

async fn due_epochs(oubli: &Oubli, what: Retire) -> Result<(Vec<(Epoch, Candidate)>, Vec<InUse>)> {
    let latest = latest(oubli, what);
    let epochs = app_keys::epochs(&mut oubli.keys().conn().await?).await?;
    let (mut due, mut in_use) = (Vec::new(), Vec::new());
    for (n, epoch) in epochs.iter().enumerate() {
        let is_newest = epochs.get(n + 1).is_none_or(|next| next.app_id != epoch.app_id);
        if is_newest {
            continue;
        }
        let Some(emptied_at) = epoch.emptied_at.map(Time) else {
            in_use.push(count_uses(oubli, epoch).await?);
            continue;
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
    Ok((due, in_use))
}

async fn count_uses(oubli: &Oubli, epoch: &Epoch) -> Result<InUse> {
    let app = app_of(epoch)?;
    let mut conn = oubli.keys().conn().await?;
    let counts = subject_keys::counts(&mut conn, &app).await?;
    let secrets = app_keys::secrets(&mut conn, &app).await?;
    Ok(InUse {
        app: epoch.app_id.clone(),
        epoch: epoch.epoch,
        data_keys: counts.iter().find(|(n, _)| *n == epoch.epoch).map_or(0, |(_, keys)| *keys),
        secrets: secrets.iter().filter(|secret| secret.epoch == epoch.epoch).count(),
    })
}

/// The root key versions that the provider can delete and that nothing is wrapped under but the keys
/// of epochs that go.
async fn due_root_versions(oubli: &Oubli, what: Retire, going: &[Candidate]) -> Result<Vec<u32>> {
    let root = oubli.keyring().root();
    if !root.can_delete() || !rotated_before(oubli, latest(oubli, what)).await? {
        return Ok(Vec::new());
    }
    let uses = app_keys::root_uses(&mut oubli.keys().conn().await?).await?;
    let current = root.current();
    let is_unused = |version: &u32| {
        let version = i64::from(*version);
        let going = going.iter().filter(|candidate| candidate.root_version == version).count();
        let uses = uses.get(&version).map_or(0, |uses| uses.unsigned_abs());
        version < i64::from(current) && uses <= going as u64
    };
    Ok(root.versions().into_iter().filter(is_unused).collect())
}

/// Whether the last rotation ended by then: a backup from before it has the service's secrets under
/// older root key versions.
async fn rotated_before(oubli: &Oubli, latest: Time) -> Result<bool> {
    let work = work::get(&mut oubli.keys().conn().await?).await?;
    Ok(work.and_then(|work| work.rotated_at).is_some_and(|rotated| Time(rotated) <= latest))
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

/// Deletes the confirmed root key versions under which nothing is wrapped, once the last rotation
/// ended long enough ago.
async fn retire_root_versions(
    oubli: &Oubli,
    what: Retire,
    confirmed: &Due,
    done: &mut Retired,
) -> Result<()> {
    if !rotated_before(oubli, latest(oubli, what)).await? {
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
        if !root.can_delete() {
            done.root_versions_left.push(version);
        } else if confirmed.root_versions.contains(&version) {
            root.delete_version(version)?;
            done.root_versions.push(version);
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
