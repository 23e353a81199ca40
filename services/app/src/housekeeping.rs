//! What every node does now and then besides jobs: ends lost claims and deletes what has expired.
//! All of it may run on several nodes at once.

use std::time::Duration;

use oubli_store::{exports, idempotency, staff::sessions};

use crate::error::Result;
use crate::export;
use crate::janitor;
use crate::oubli::Oubli;
use crate::read_retention;
use crate::secrets;

/// How often it is due.
pub(crate) const EVERY: Duration = Duration::from_secs(30);
/// The most rows of one transaction.
const BATCH: i64 = 500;
/// The most bundles of one turn.
const BUNDLES: i64 = 50;

/// One turn. What fails is logged and left to the next turn.
pub(crate) async fn run(oubli: &Oubli) {
    let done = [
        ("claims", janitor::sweep(oubli).await.map(drop)),
        ("abandoned claims", janitor::purge(oubli).await),
        ("idempotency keys", purge_answers(oubli).await),
        ("exports", purge_exports(oubli).await),
        ("payloads of reads", read_retention::purge(oubli, BATCH).await),
        ("sessions", purge_sessions(oubli).await),
        ("sign-ins", crate::staff::purge_sign_ins(oubli, BATCH).await),
        ("keys", refresh_keys(oubli).await),
    ];
    for (what, result) in done {
        if let Err(error) = result {
            tracing::warn!(error = %error, what, "housekeeping failed");
        }
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

/// Lets go of root key versions that were deleted, and of token keys that signed their last long ago.
async fn refresh_keys(oubli: &Oubli) -> Result<()> {
    oubli.keyring().root().refresh()?;
    secrets::purge_token_keys(oubli.keys(), oubli.now()).await?;
    oubli.reload_secrets(0).await.map(drop)
}

/// Deletes bundles that were downloaded or can no longer be.
async fn purge_exports(oubli: &Oubli) -> Result<()> {
    let mut conn = oubli.data().conn().await?;
    let expired = exports::expired(&mut conn, oubli.now(), BUNDLES).await?;
    drop(conn);
    for (app, export) in expired {
        export::delete(oubli, &app, export).await?;
    }
    Ok(())
}
