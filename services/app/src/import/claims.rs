//! The claim protocol for a batch of subjects at once. What each step means stands with the
//! protocol for one subject; here it is only done for many in one transaction.

use std::sync::Arc;
use std::time::Duration;

use oubli_domain::{AppId, ClaimId, SubjectId};
use oubli_store::claims::{self as claim_rows, Fate};
use oubli_store::keys::blind_indexes;
use oubli_store::keys::subject_keys;

use super::Run;
use crate::error::Result;
use crate::oubli::Oubli;
use crate::subjects::claims::{ATTEMPTS, CLAIM_SECONDS};
use crate::subjects::{Draft, is_kept, occupant};

type Claim = (SubjectId, ClaimId);

/// How long a live claim of somebody else is waited for, each time.
const WAIT: Duration = Duration::from_millis(50);

/// Step 1: pending rows in `keys` for all of them.
///
/// # Errors
/// `Duplicate` when somebody has an identifier; nothing is claimed then.
pub(super) async fn claim(run: &Run<'_>, drafts: &Arc<Vec<Draft>>) -> Result<()> {
    let drafts = Arc::clone(drafts);
    let claimed = run.oubli.keys().write("import.claim", move |tx| {
        let drafts = Arc::clone(&drafts);
        Box::pin(async move { Draft::insert_claims(tx, &drafts).await })
    });
    Ok(claimed.await?)
}

/// After a clash: waits for the claims of others that may still be kept, and takes over those that
/// are old, such as an import that was killed left them.
pub(super) async fn clear_the_way(run: &Run<'_>, drafts: &[Draft], attempt: u32) -> Result<()> {
    let (oubli, app) = (run.oubli.as_ref(), &run.call.caller.app);
    let (mut old, mut wait) = (Vec::new(), false);
    for (index, _) in drafts.iter().flat_map(|draft| &draft.indexes) {
        let Some(owner) = occupant(oubli, app, index).await? else { continue };
        if owner.live || is_kept(oubli, app, &owner).await? {
            continue;
        }
        let due = owner.created_at.plus_seconds(CLAIM_SECONDS) <= oubli.now();
        if due || attempt > ATTEMPTS / 2 {
            old.push((owner.subject, owner.claim));
        } else {
            wait = true;
        }
    }
    old.sort_unstable();
    old.dedup();
    settle(oubli, app, old).await?;
    if wait {
        tokio::time::sleep(WAIT).await;
    }
    Ok(())
}

/// Ends what is pending under these claims: first in `data`, then in `keys`. A claim that was kept
/// stays as it is: the janitor completes it.
pub(super) async fn settle(oubli: &Oubli, app: &AppId, claims: Vec<Claim>) -> Result<()> {
    if claims.is_empty() {
        return Ok(());
    }
    let (of, now) = (app.clone(), oubli.now());
    let abandoned = oubli.data().write("import.abandon", move |tx| {
        let (app, claims) = (of.clone(), claims.clone());
        Box::pin(async move {
            let mut gone = Vec::new();
            for (subject, claim) in claims {
                match claim_rows::abandon(tx, &app, claim, now).await? {
                    Fate::Kept(_) => {}
                    Fate::Open | Fate::Abandoned => gone.push((subject, claim)),
                }
            }
            Ok(gone)
        })
    });
    let gone = abandoned.await?;
    let app = app.clone();
    let deleted = oubli.keys().write("import.unclaim", move |tx| {
        let (app, gone) = (app.clone(), gone.clone());
        Box::pin(async move {
            for (subject, claim) in gone {
                blind_indexes::delete_pending(tx, &app, subject, claim).await?;
                subject_keys::delete_pending(tx, &app, subject, claim).await?;
            }
            Ok(())
        })
    });
    Ok(deleted.await?)
}

/// [`settle`] for what this import claimed and did not keep; what fails is left to the janitor.
pub(super) async fn settle_or_leave(run: &Run<'_>, drafts: &[Draft]) {
    if let Err(error) = settle(run.oubli, &run.call.caller.app, of(drafts)).await {
        tracing::warn!(error = %error, "the claims of an import are left to the janitor");
    }
}

/// Step 3, for claims that were kept; what fails is left to the janitor.
pub(super) async fn make_live_or_leave(run: &Run<'_>, drafts: &[Draft]) {
    let (app, claims) = (run.call.caller.app.clone(), Arc::new(of(drafts)));
    let live = run.oubli.keys().write("import.live", move |tx| {
        let (app, claims) = (app.clone(), Arc::clone(&claims));
        Box::pin(async move {
            subject_keys::make_live_many(tx, &app, &claims).await?;
            blind_indexes::make_live_many(tx, &app, &claims).await
        })
    });
    if let Err(error) = live.await {
        tracing::warn!(error = %error, "kept claims of an import are left to the janitor");
    }
}

fn of(drafts: &[Draft]) -> Vec<Claim> {
    drafts.iter().map(|draft| (draft.subject, draft.claim)).collect()
}
