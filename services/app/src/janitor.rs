//! Ends claims whose process died between the two databases.

use std::collections::BTreeSet;

use oubli_domain::{AppId, ClaimId, Code, SubjectId, Time};
use oubli_store::claims as rows;
use oubli_store::keys::{blind_indexes, subject_keys};

use crate::error::{Error, Result};
use crate::oubli::Oubli;
use crate::subjects::claims;

/// How long a claim may be pending, in seconds. A live process needs milliseconds.
const CLAIM_SECONDS: i64 = 600;
/// How long a claim that was given up is remembered, in seconds: a create that comes later finds
/// its key rows gone and fails by that.
const ABANDONED_SECONDS: i64 = 24 * 3_600;
/// The most claims of one turn.
const BATCH: i64 = 500;

/// Ends every claim that has been pending for ten minutes: one that `data` kept is made live, any
/// other is first abandoned there, so that a late create fails, and only then are its key rows
/// deleted. What cannot be ended is logged, and does not stop the others. Gives how many it ended.
///
/// # Errors
/// When a database does not answer; the next turn goes on.
pub(crate) async fn sweep(oubli: &Oubli) -> Result<usize> {
    let mut ended = 0;
    for (app, subject, claim) in pending(oubli, CLAIM_SECONDS).await? {
        match claims::settle(oubli, &app, subject, claim).await {
            Ok(_) => ended += 1,
            // Its rows go with its app, whose deletion was approved.
            Err(Error::Refused(refusal)) if refusal.code == Code::AppNotFound => {}
            Err(error) => tracing::warn!(error = %error, claim = %claim, "a claim was not ended"),
        }
    }
    Ok(ended)
}

/// Deletes claims that were given up a day ago and whose key rows are gone.
///
/// # Errors
/// When a database does not answer; the next turn goes on.
pub(crate) async fn purge(oubli: &Oubli) -> Result<()> {
    // Key rows are older than the day on which their claim was given up: those that are left of one
    // that may go are all here, unless there are too many to tell.
    let left = pending(oubli, CLAIM_SECONDS).await?;
    if left.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) {
        return Ok(());
    }
    let left: BTreeSet<ClaimId> = left.into_iter().map(|(_, _, claim)| claim).collect();
    let mut conn = oubli.data().conn().await?;
    let mut gone = rows::abandoned(&mut conn, before(oubli, ABANDONED_SECONDS), BATCH).await?;
    drop(conn);
    gone.retain(|(_, claim)| !left.contains(claim));
    if gone.is_empty() {
        return Ok(());
    }
    let purged = oubli.data().write("claims.purge", move |tx| {
        let gone = gone.clone();
        Box::pin(async move {
            for (app, claim) in &gone {
                rows::delete_abandoned(tx, app, *claim).await?;
            }
            Ok(())
        })
    });
    Ok(purged.await?)
}

/// The claims that have been pending for as many seconds, or whose time is as far ahead: they were made
/// before the clock stepped back, and would be pending until it came to them.
async fn pending(oubli: &Oubli, seconds: i64) -> Result<BTreeSet<(AppId, SubjectId, ClaimId)>> {
    let (before, latest) = (before(oubli, seconds), oubli.now().plus_seconds(seconds));
    let mut conn = oubli.keys().conn().await?;
    let keys = subject_keys::pending(&mut conn, before, latest, BATCH).await?;
    let mut pending: BTreeSet<_> = keys.into_iter().collect();
    pending.extend(blind_indexes::pending(&mut conn, before, latest, BATCH).await?);
    Ok(pending)
}

fn before(oubli: &Oubli, seconds: i64) -> Time {
    oubli.now().plus_seconds(-seconds)
}
