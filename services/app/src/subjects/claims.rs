//! The claim protocol: rows in two databases that cannot commit together.
//!
//! 1. Key rows are written as pending, under a claim id.
//! 2. The data transaction keeps the claim. From here on the subject exists.
//! 3. The key rows are marked live. A process that dies before this leaves work for whoever meets
//!    the rows next.
//!
//! To take a claim over, it is first abandoned in `data`, where a primary key makes its owner's
//! step 2 fail, and only then are its key rows deleted.

use std::time::Duration;

use oubli_domain::{AppId, ClaimId, IdentifierId, SubjectId};
use oubli_store::claims::{self, Fate};
use oubli_store::identifiers;
use oubli_store::keys::blind_indexes::{self, BlindIndex};
use oubli_store::keys::subject_keys;

use super::resolve::{is_kept, occupant};
use crate::error::Result;
use crate::oubli::Oubli;

/// A claim that is pending for longer is taken over; a live process needs milliseconds.
pub(crate) const CLAIM_SECONDS: i64 = 5;
/// How often a call looks at what stands in its way, over about ten seconds.
pub(crate) const ATTEMPTS: u32 = 200;

/// After a clash: true when the identifier has an owner. Else its pending claim was waited for or
/// taken over, and the next attempt may go through.
pub(super) async fn clear_the_way(
    oubli: &Oubli,
    app: &AppId,
    index: &BlindIndex,
    attempt: u32,
) -> Result<bool> {
    let Some(owner) = occupant(oubli, app, index).await? else { return Ok(false) };
    if owner.live || is_kept(oubli, app, &owner).await? {
        return Ok(true);
    }
    let old = owner.created_at.plus_seconds(CLAIM_SECONDS) <= oubli.now();
    if old || attempt > ATTEMPTS / 2 {
        settle(oubli, app, owner.subject, owner.claim).await?;
    } else {
        tokio::time::sleep(Duration::from_millis(u64::from(attempt.min(50)) + 1)).await;
    }
    Ok(false)
}

/// Step 3, for a claim that was kept.
pub(crate) async fn make_live(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<()> {
    let app = app.clone();
    oubli
        .keys()
        .write("claims.live", move |tx| {
            let app = app.clone();
            Box::pin(async move {
                subject_keys::make_live(tx, &app, subject, claim).await?;
                blind_indexes::make_live(tx, &app, subject, claim).await
            })
        })
        .await?;
    Ok(())
}

/// [`make_live`] after the answer is decided: what fails here is left to the janitor, since the
/// subject or identifier is there whatever its key rows say.
pub(super) async fn make_live_or_leave(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) {
    if let Err(error) = make_live(oubli, app, subject, claim).await {
        tracing::warn!(error = %error, "a kept claim is left to the janitor");
    }
}

/// [`settle`] on the way out of a call that failed or was a repeat.
pub(super) async fn settle_or_leave(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) {
    if let Err(error) = settle(oubli, app, subject, claim).await {
        tracing::warn!(error = %error, "a claim is left to the janitor");
    }
}

/// Ends what is pending under a claim. A claim that was kept is completed; what it brought and was
/// removed since goes. Any other is given up, and its identifiers are free again.
pub(crate) async fn settle(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<Fate> {
    let now = oubli.now();
    let of = app.clone();
    let fate = oubli
        .data()
        .write("claims.abandon", move |tx| {
            let app = of.clone();
            Box::pin(async move { claims::abandon(tx, &app, claim, now).await })
        })
        .await?;
    match fate {
        Fate::Kept(_) => {
            for identifier in removed(oubli, app, subject, claim).await? {
                unindex(oubli, app, subject, identifier).await?;
            }
            make_live(oubli, app, subject, claim).await?;
        }
        Fate::Open | Fate::Abandoned => delete(oubli, app, subject, claim).await?,
    }
    Ok(fate)
}

/// The identifiers that are pending under a kept claim and not in `data`.
async fn removed(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<Vec<IdentifierId>> {
    let mut conn = oubli.keys().conn().await?;
    let pending = blind_indexes::pending_of(&mut conn, app, subject, claim).await?;
    drop(conn);
    let mut conn = oubli.data().conn().await?;
    let mut removed = Vec::new();
    for identifier in pending {
        if !identifiers::exists(&mut conn, app, subject, identifier).await? {
            removed.push(identifier);
        }
    }
    Ok(removed)
}

/// Deletes the indexes of an identifier that is not in `data`.
pub(super) async fn unindex(
    oubli: &Oubli,
    app: &AppId,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<()> {
    let app = app.clone();
    oubli
        .keys()
        .write("identifiers.unindex", move |tx| {
            let app = app.clone();
            Box::pin(async move {
                blind_indexes::delete_identifier(tx, &app, subject, identifier).await
            })
        })
        .await?;
    Ok(())
}

async fn delete(oubli: &Oubli, app: &AppId, subject: SubjectId, claim: ClaimId) -> Result<()> {
    let app = app.clone();
    oubli
        .keys()
        .write("claims.delete", move |tx| {
            let app = app.clone();
            Box::pin(async move {
                blind_indexes::delete_pending(tx, &app, subject, claim).await?;
                subject_keys::delete_pending(tx, &app, subject, claim).await
            })
        })
        .await?;
    Ok(())
}
