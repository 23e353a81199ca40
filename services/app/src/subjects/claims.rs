//! The claim protocol: rows in two databases that cannot commit together.
//!
//! 1. Key rows are written as pending, under a claim id.
//! 2. The data transaction keeps the claim. From here on the subject exists.
//! 3. The key rows are marked live. A process that dies before this leaves work for whoever meets
//!    the rows next.
//!
//! To take a claim over, it is first abandoned in `data`, where a primary key makes its owner's
//! step 2 fail, and only then are its key rows deleted.

use oubli_domain::{AppId, ClaimId, SubjectId};
use oubli_store::claims::{self, Fate};
use oubli_store::keys::{blind_indexes, subject_keys};

use crate::error::Result;
use crate::oubli::Oubli;

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

/// Ends a pending claim: completes it when it was kept, else gives it up and frees its identifiers.
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
        Fate::Kept(_) => make_live(oubli, app, subject, claim).await?,
        Fate::Open | Fate::Abandoned => delete(oubli, app, subject, claim).await?,
    }
    Ok(fate)
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
