//! Two admins agree, or one thinks better of it.

use oubli_domain::deletion::PROPOSAL_SECONDS;
use oubli_domain::{AppId, AppState, Code, DeletionState, DeletionStep, JobId, Refusal, Time};
use oubli_store::app_tables::LEAVING;
use oubli_store::jobs::{self, NewJob};
use oubli_store::staff::events as staff_events;
use oubli_store::{Result as StoreResult, StoreError, Tx, app_deletions, apps, events, holds};

use super::Outcome;
use super::view::{Deletion, counts};
use crate::auth::Staff;
use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::staff::Told;

/// Proposes to delete the app of the call. `confirm` repeats its name. Another admin may approve it
/// within 7 days; a proposal that nobody approved in time is replaced.
///
/// # Errors
/// `invalid-body` when `confirm` is not the app's name; `deletion-open`, `app-deleting`,
/// `app-not-found`; `held` while a legal hold stands.
pub async fn propose(oubli: &Oubli, staff: &Staff, call: &Call, confirm: &str) -> Result<Deletion> {
    let (app, actor, now) = (call.caller.app.clone(), &call.caller.actor, oubli.now());
    if confirm != app.as_str() {
        let rule = "must be the name of the app";
        return Err(Refusal::new(Code::InvalidBody).at("/confirm", rule).into());
    }
    let (by, expires_at) = (staff.user, now.plus_seconds(PROPOSAL_SECONDS));
    let answer = Deletion::proposed(app.clone(), by, now, counts(oubli, &app).await?);
    let empty = Outcome::default().text()?;
    let event = Entry::new().event(&app, actor, now, "app.deletion_proposed");
    let told = Told::new(actor, now, "app.deletion_proposed").fact("app", app.as_str()).event();
    oubli
        .write_once("leaving.propose", call, None, Answer::Repeatable, move |tx| {
            let (app, answer, empty) = (app.clone(), answer.clone(), empty.clone());
            let (event, told) = (event.clone(), told.clone());
            Box::pin(async move {
                make_room(tx, &app, now).await?;
                let written = app_deletions::propose(tx, &app, by, now, expires_at, &empty).await;
                written.map_err(open)?;
                events::insert(tx, &event).await?;
                staff_events::insert(tx, &told).await?;
                Ok(answer)
            })
        })
        .await
}

/// Refuses where a deletion stands in the way; one that has expired does not.
async fn make_room(tx: &mut Tx, app: &AppId, now: Time) -> StoreResult<()> {
    let earlier = app_deletions::lock(tx, app).await?;
    require_active(tx, app).await?;
    apps::hold(tx, app).await?;
    require_no_hold(tx, app).await?;
    match earlier.map(|earlier| DeletionState::of(earlier.step, earlier.expires_at, now)) {
        None => Ok(()),
        Some(DeletionState::Expired) => app_deletions::withdraw(tx, app).await,
        Some(_) => Err(Refusal::new(Code::DeletionOpen).into()),
    }
}

/// Refuses while a legal hold stands, on anybody or on what is kept of somebody who was erased: the
/// deletion would take what it keeps.
async fn require_no_hold(tx: &mut Tx, app: &AppId) -> StoreResult<()> {
    if holds::any_standing(tx, app).await? {
        return Err(Refusal::new(Code::Held).into());
    }
    Ok(())
}

fn open(error: StoreError) -> StoreError {
    match error {
        StoreError::Duplicate { .. } => Refusal::new(Code::DeletionOpen).into(),
        other => other,
    }
}

/// Refuses an app that is being deleted, and one that was, or never was.
async fn require_active(tx: &mut Tx, app: &AppId) -> StoreResult<()> {
    match apps::state(tx, app).await? {
        Some(AppState::Active) => Ok(()),
        Some(AppState::Deleting) => Err(Refusal::new(Code::AppDeleting).into()),
        Some(AppState::Deleted) | None => Err(Refusal::new(Code::AppNotFound).into()),
    }
}

/// The proposal that stands, which nobody else changes until the transaction ends.
///
/// # Errors
/// `deletion-not-found`; `app-deleting` once it was approved; `app-not-found`.
async fn proposal(tx: &mut Tx, app: &AppId) -> StoreResult<app_deletions::Deletion> {
    let found = app_deletions::lock(tx, app).await?;
    require_active(tx, app).await?;
    let found = found.filter(|found| found.step == DeletionStep::Proposed);
    found.ok_or_else(|| Refusal::new(Code::DeletionNotFound).into())
}

/// Approves the deletion that another admin proposed. When it is acknowledged nobody reaches the app
/// any more, and nothing stops its end.
///
/// # Errors
/// `second-person-needed` for who proposed it; `deletion-not-found`, `deletion-expired`,
/// `app-deleting`, `app-not-found`; `held` while a legal hold stands.
pub async fn approve(oubli: &Oubli, staff: &Staff, call: &Call) -> Result<Deletion> {
    let (app, actor, now) = (call.caller.app.clone(), &call.caller.actor, oubli.now());
    let (by, job) = (staff.user, JobId::fresh(now));
    let rows = counts(oubli, &app).await?;
    let told = Told::new(actor, now, "app.deletion_approved").fact("app", app.as_str()).event();
    let of = app.clone();
    let approved = oubli
        .write_once("leaving.approve", call, None, Answer::Repeatable, move |tx| {
            let (app, rows, told) = (of.clone(), rows.clone(), told.clone());
            Box::pin(async move {
                let found = proposal(tx, &app).await?;
                if found.proposed_by == by {
                    return Err(Refusal::new(Code::SecondPersonNeeded).into());
                }
                if found.expires_at <= now {
                    return Err(Refusal::new(Code::DeletionExpired).into());
                }
                app_deletions::approve(tx, &app, by, now).await?;
                // Setting a hold changes the app's row too: one that came between starts this over.
                apps::set_state(tx, &app, AppState::Active, AppState::Deleting).await?;
                require_no_hold(tx, &app).await?;
                let (subject, payload) = (None, "");
                let new = NewJob { app, job, kind: LEAVING, subject, payload, run_at: now };
                jobs::enqueue(tx, &new).await?;
                staff_events::insert(tx, &told).await?;
                Ok(Deletion::approved(found, by, now, rows))
            })
        })
        .await?;
    oubli.verified_tokens().forget();
    oubli.keyring().forget_app(&app);
    oubli.node().wake();
    tracing::warn!(%app, %by, "the deletion of an app was approved");
    Ok(approved)
}

/// Cancels a proposal, also one that has expired; any admin may.
///
/// # Errors
/// `deletion-not-found`; `app-deleting` once it was approved; `app-not-found`.
pub async fn cancel(oubli: &Oubli, call: &Call) -> Result<()> {
    let (app, actor, now) = (call.caller.app.clone(), &call.caller.actor, oubli.now());
    let event = Entry::new().event(&app, actor, now, "app.deletion_cancelled");
    let told = Told::new(actor, now, "app.deletion_cancelled").fact("app", app.as_str()).event();
    oubli
        .write_once("leaving.cancel", call, None, Answer::Repeatable, move |tx| {
            let (app, event, told) = (app.clone(), event.clone(), told.clone());
            Box::pin(async move {
                proposal(tx, &app).await?;
                apps::hold(tx, &app).await?;
                app_deletions::withdraw(tx, &app).await?;
                events::insert(tx, &event).await?;
                staff_events::insert(tx, &told).await
            })
        })
        .await
}
