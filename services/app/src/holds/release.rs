//! Releasing a hold.

use oubli_domain::hold::ReleaseReason;
use oubli_domain::{AppId, Code, HoldId, JobId, Refusal, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::holds::{self, Hold, Released};
use oubli_store::{Result as StoreResult, StoreError, Tx, subjects};
use serde::{Deserialize, Serialize};

use crate::caller::Call;
use crate::error::Result;
use crate::kept_items;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// A hold that was released.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReleasedHold {
    /// Its id.
    pub hold: HoldId,
    /// When it was released.
    pub released_at: Time,
}

/// Releases a hold, for good. On a live person nothing else changes: whatever no other hold covers can
/// be changed, deleted and erased again. What it alone kept of an erased person goes by a job.
///
/// # Errors
/// `hold-not-found`, `hold-released`; `subject-erasing` between the acknowledgement of an erasure and
/// the moment at which what the hold keeps is kept.
pub async fn release(
    oubli: &Oubli,
    call: &Call,
    hold: HoldId,
    reason: ReleaseReason,
) -> Result<ReleasedHold> {
    let released = retry_stale(|| try_release(oubli, call, hold, reason)).await;
    oubli.or_earlier(call, released).await
}

async fn try_release(
    oubli: &Oubli,
    call: &Call,
    hold: HoldId,
    reason: ReleaseReason,
) -> Result<ReleasedHold> {
    let (app, at) = (call.caller.app.clone(), oubli.now());
    let seen = holds::get(&mut oubli.data().conn().await?, &app, hold).await?;
    let seen = seen.ok_or(Code::HoldNotFound)?;
    let released = Released { at, by: call.caller.actor.to_string(), reason };
    let event = event(oubli, call, &seen, reason).await?;
    let (subject, job) = (seen.subject, JobId::fresh(at));
    let released = oubli
        .write_once("holds.release", call, subject, Answer::Repeatable, move |tx| {
            let (app, seen, released, event) =
                (app.clone(), seen.clone(), released.clone(), event.clone());
            Box::pin(async move {
                let row = lock(tx, &app, &seen).await?;
                holds::release(tx, &app, &row, &released).await?;
                if let Some(request) = row.request {
                    kept_items::queue(tx, &app, request, job, at).await?;
                }
                events::insert(tx, &event).await?;
                Ok(ReleasedHold { hold: row.hold, released_at: at })
            })
        })
        .await?;
    oubli.node().wake();
    Ok(released)
}

/// The hold and its subject, both locked.
///
/// # Errors
/// `hold-not-found`, `hold-released`, `subject-erasing`; [`StoreError::Stale`] when it lost its
/// subject since it was seen.
async fn lock(tx: &mut Tx, app: &AppId, seen: &Hold) -> StoreResult<Hold> {
    let refused = |code: Code| StoreError::Refused(Refusal::new(code));
    let row = holds::lock(tx, app, seen.hold).await?.ok_or_else(|| refused(Code::HoldNotFound))?;
    if row.released.is_some() {
        return Err(refused(Code::HoldReleased));
    }
    if row.subject != seen.subject {
        return Err(StoreError::Stale);
    }
    if let Some(subject) = row.subject {
        subjects::lock_alone(tx, app, subject).await?;
    }
    Ok(row)
}

/// What the log says, about the person as long as there is one.
async fn event(oubli: &Oubli, call: &Call, hold: &Hold, reason: ReleaseReason) -> Result<NewEvent> {
    let (app, actor) = (&call.caller.app, &call.caller.actor);
    let entry = match hold.subject {
        None => Entry::new(),
        Some(subject) => {
            let key = oubli.keyring().data_key_if_any(app, subject).await?;
            key.map_or_else(Entry::new, |key| Entry::about(subject, &key))
        }
    };
    let entry = entry.reason(reason.as_str()).fact("hold", hold.hold.to_string());
    Ok(entry.event(app, actor, oubli.now(), "hold.released"))
}
