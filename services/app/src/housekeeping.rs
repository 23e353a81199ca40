//! What every node does now and then besides jobs: ends lost claims and deletes what has expired.
//! All of it may run on several nodes at once.
//!
//! What is deleted is gone, so a clock that stepped is not believed at once ([`steady`]). A process
//! that starts under a wrong clock has nothing to compare it with, and believes it. What was written
//! while the clock was ahead stays until the time that it names: to shorten it would need a clock that
//! is known to be right.

mod steady;
#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use oubli_store::{exports, idempotency, staff::sessions};

use self::steady::Steadiness;
use crate::error::Result;
use crate::export;
use crate::janitor;
use crate::kept_items;
use crate::oubli::Oubli;
use crate::read_retention;
use crate::secrets;

/// How often it is due.
pub(crate) const EVERY: Duration = Duration::from_secs(30);
/// The most rows of one transaction.
const BATCH: i64 = 500;
/// The most bundles of one turn.
const BUNDLES: i64 = 50;

/// The house of a node that watches its clock.
#[derive(Debug, Default)]
pub(crate) struct House {
    clock: Steadiness,
}

impl House {
    /// One turn at a moment of a clock that never steps. While the machine's clock is not believed,
    /// nothing is deleted.
    pub(crate) async fn turn(&mut self, oubli: &Oubli, at: Instant) {
        if self.clock.is_steady(at, oubli.now()) {
            run(oubli).await;
        } else {
            tell("keys", refresh_keys(oubli).await);
        }
    }
}

/// One turn under a clock that is believed. What fails is logged and left to the next turn.
pub(crate) async fn run(oubli: &Oubli) {
    let done = [
        ("claims", janitor::sweep(oubli).await.map(drop)),
        ("abandoned claims", janitor::purge(oubli).await),
        ("idempotency keys", purge_answers(oubli).await),
        ("exports", purge_exports(oubli).await),
        ("payloads of reads", read_retention::purge(oubli, BATCH).await),
        ("kept items", kept_items::queue_ended(oubli).await),
        ("sessions", purge_sessions(oubli).await),
        ("sign-ins", crate::staff::purge_sign_ins(oubli, BATCH).await),
        ("token keys", secrets::purge_token_keys(oubli.keys(), oubli.now()).await),
        ("keys", refresh_keys(oubli).await),
    ];
    for (what, result) in done {
        tell(what, result);
    }
}

fn tell(what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!(error = %error, what, "housekeeping failed");
    }
}

async fn purge_answers(oubli: &Oubli) -> Result<()> {
    let now = oubli.now();
    let purge = oubli.data().write("idempotency.purge", move |tx| {
        Box::pin(async move { idempotency::purge_expired(tx, now, BATCH).await })
    });
    Ok(purge.await.map(drop)?)
}

async fn purge_sessions(oubli: &Oubli) -> Result<()> {
    let now = oubli.now();
    let purge = oubli.data().write("sessions.purge", move |tx| {
        Box::pin(async move { sessions::purge(tx, now, BATCH).await })
    });
    Ok(purge.await.map(drop)?)
}

/// Lets go of root key versions that were deleted.
async fn refresh_keys(oubli: &Oubli) -> Result<()> {
    oubli.keyring().root().refresh()?;
    oubli.reload_secrets(0).await.map(drop)
}

/// Deletes bundles that were downloaded or can no longer be.
async fn purge_exports(oubli: &Oubli) -> Result<()> {
    let now = oubli.now();
    let mut conn = oubli.data().conn().await?;
    let expired = exports::expired(&mut conn, now, BUNDLES).await?;
    drop(conn);
    for (app, export) in expired {
        export::delete(oubli, &app, export).await?;
    }
    Ok(())
}
