//! Ends claims whose process died between the two databases.

use std::collections::BTreeSet;

use oubli_store::keys::{blind_indexes, subject_keys};

use crate::error::Result;
use crate::oubli::Oubli;
use crate::subjects::claims;

/// How long a claim may be pending, in seconds. A live process needs milliseconds.
const CLAIM_SECONDS: i64 = 600;
/// The most claims of one turn.
const BATCH: i64 = 500;

/// Ends every claim that has been pending for ten minutes: one that `data` kept is made live, any
/// other is first abandoned there, so that a late create fails, and only then are its key rows
/// deleted. Gives how many it ended.
///
/// # Errors
/// When a database does not answer; the next turn goes on.
pub(crate) async fn sweep(oubli: &Oubli) -> Result<usize> {
    let before = oubli.now().plus_seconds(-CLAIM_SECONDS);
    let mut conn = oubli.keys().conn().await?;
    let mut pending: BTreeSet<_> =
        subject_keys::pending(&mut conn, before, BATCH).await?.into_iter().collect();
    pending.extend(blind_indexes::pending(&mut conn, before, BATCH).await?);
    drop(conn);
    for (app, subject, claim) in &pending {
        claims::settle(oubli, app, *subject, *claim).await?;
    }
    Ok(pending.len())
}
