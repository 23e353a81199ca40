//! The lease on the one work that may be under way, and its progress.

use std::sync::atomic::{AtomicU64, Ordering};

use oubli_domain::clock::CLOCKS_SECONDS;
use oubli_domain::{AppId, Time};
use oubli_store::keys::{app_keys, key_sets, work};
use oubli_store::{StoreError, Tx};
use uuid::Uuid;

use super::{KeysError, Progress, Result, Told};
use crate::oubli::Oubli;

/// How long the work stays somebody's after a batch, in seconds. A batch takes milliseconds; a
/// passphrase's new key a second.
const LEASE_SECONDS: i64 = 10;

/// What may be under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Rotate,
    Reindex,
    Retire,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rotate => "rotate",
            Self::Reindex => "reindex",
            Self::Retire => "retire",
        }
    }
}

/// Work that this process has taken up.
pub(super) struct Lease<'a> {
    pub(super) oubli: &'a Oubli,
    told: Told<'a>,
    token: Uuid,
    /// When the work began; an interrupted one keeps its beginning.
    pub(super) started_at: Time,
    /// The root key version that a rotation had chosen before it was interrupted.
    pub(super) root_version: Option<i64>,
    done: AtomicU64,
    total: AtomicU64,
}

/// What a batch does in its transaction to keep the lease.
#[derive(Clone, Copy)]
pub(super) struct Renewal {
    token: Uuid,
    until: Time,
}

impl Renewal {
    /// Renews the lease, and counts the rows of the batch.
    pub(super) async fn renew(self, tx: &mut Tx, rows: i64) -> Result<(), StoreError> {
        work::renew(tx, self.token, self.until, rows).await
    }
}

impl<'a> Lease<'a> {
    /// Takes up new work, or interrupted work of the same kind.
    pub(super) async fn take(oubli: &'a Oubli, kind: Kind, told: Told<'a>) -> Result<Self> {
        let (now, token) = (oubli.now(), Uuid::from_bytes(oubli_vault::random_bytes::<16>()));
        let until = now.plus_seconds(LEASE_SECONDS);
        let furthest = until.plus_seconds(CLOCKS_SECONDS);
        let written = oubli.keys().write("keys.take", move |tx| {
            Box::pin(
                async move { work::take(tx, kind.as_str(), token, now, until, furthest).await },
            )
        });
        let is_ours = written.await?;
        let found = work::get(&mut oubli.keys().conn().await?).await?;
        let found = found.ok_or(StoreError::Damaged("key_work"))?;
        if !is_ours {
            return Err(refusal(found, now));
        }
        Ok(Self {
            oubli,
            told,
            token,
            started_at: Time(found.started_at),
            root_version: found.root_version,
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
        })
    }

    /// What the next batch renews the lease with.
    pub(super) fn renewal(&self) -> Renewal {
        Renewal { token: self.token, until: self.oubli.now().plus_seconds(LEASE_SECONDS) }
    }

    /// Says how many rows there are to do.
    pub(super) async fn set_total(&self, rows: u64) -> Result<()> {
        self.total.store(rows, Ordering::Relaxed);
        let (token, stored) = (self.token, i64::try_from(rows).unwrap_or(i64::MAX));
        let written = self.oubli.keys().write("keys.total", move |tx| {
            Box::pin(async move { work::set_total(tx, token, stored).await })
        });
        written.await.map_err(taken_over)?;
        self.tell(0);
        Ok(())
    }

    /// Says which root key version a rotation moves to.
    pub(super) async fn set_root_version(&self, version: i64) -> Result<()> {
        let token = self.token;
        let written = self.oubli.keys().write("keys.root_version", move |tx| {
            Box::pin(async move { work::set_root_version(tx, token, version).await })
        });
        written.await.map_err(taken_over)
    }

    /// Tells that so many rows more are done.
    pub(super) fn tell(&self, rows: u64) {
        let done = self.done.fetch_add(rows, Ordering::Relaxed) + rows;
        (self.told)(Progress { done, total: self.total.load(Ordering::Relaxed).max(done) });
    }

    /// Ends the work.
    pub(super) async fn end(self, rotated: bool) -> Result<()> {
        let (token, now) = (self.token, self.oubli.now());
        let written = self.oubli.keys().write("keys.end", move |tx| {
            Box::pin(async move { work::end(tx, token, now, rotated.then_some(now)).await })
        });
        written.await.map_err(taken_over)
    }
}

fn refusal(found: work::Work, now: Time) -> KeysError {
    let until = Time(found.leased_until);
    if now < until {
        KeysError::Running { kind: found.kind, until }
    } else {
        KeysError::Interrupted { kind: found.kind }
    }
}

/// In a batch, only the lease can be stale where nothing else is compared.
pub(super) fn taken_over(error: StoreError) -> KeysError {
    match error {
        StoreError::Stale => KeysError::TakenOver,
        other => other.into(),
    }
}

/// What work on one app gave; none when it failed because the app is being deleted, which ends its
/// keys: other apps' go on.
pub(super) async fn unless_gone<T>(
    oubli: &Oubli,
    app: &AppId,
    done: Result<T>,
) -> Result<Option<T>> {
    let error = match done {
        Ok(done) => return Ok(Some(done)),
        Err(error) => error,
    };
    if key_sets::revision(&mut oubli.keys().conn().await?, app).await?.is_some() {
        return Err(error);
    }
    tracing::warn!(%app, "an app is being deleted; its keys were left to that");
    Ok(None)
}

/// The apps that have keys and are not being deleted, or the one that is meant.
pub(super) async fn apps(oubli: &Oubli, only: Option<&AppId>) -> Result<Vec<AppId>> {
    let epochs = app_keys::epochs(&mut oubli.keys().conn().await?).await?;
    let mut apps = Vec::new();
    for epoch in epochs {
        let app = AppId::new(epoch.app_id).map_err(|_| StoreError::Damaged("app_keys.app_id"))?;
        if apps.last() != Some(&app) && only.is_none_or(|only| *only == app) {
            apps.push(app);
        }
    }
    if only.is_some() && apps.is_empty() { Err(KeysError::NoSuchApp) } else { Ok(apps) }
}
