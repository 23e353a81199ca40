//! Whose data was read, and which fields of it, by whom and when: the first question after a breach
//! (Art. 33(3)(a) and (c)).
//!
//! The log is gone over in short reads, in the order of its events. What is gathered is kept for a
//! bounded number of people at a time, those whose ids come first; when there are more, the log is
//! gone over again for those who come after them.

mod gather;
mod position;
#[cfg(test)]
mod tests;
mod totals;

use oubli_domain::{Code, EventId, Refusal, SubjectId, Time};
use oubli_store::clients;
use oubli_store::staff::users;
use uuid::Uuid;

pub use gather::Exposed;
pub use position::ExposurePosition;
pub use totals::{Apart, Totals};

use crate::caller::{Actor, Caller};
use crate::error::Result;
use crate::log::Entry;
use crate::oubli::Oubli;
use gather::{Person, Window, gather};

/// How many people are gathered at once; each is some kilobytes at most.
const PEOPLE: usize = 10_000;

/// Whose reads are asked for, and when.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ExposureQuery {
    /// Of one client or member of staff; of anyone when it is none.
    pub by: Option<Actor>,
    /// Those from this time on; from the first when it is none.
    pub from: Option<Time>,
    /// Those before this time; up to now when it is none or lies in the future.
    pub to: Option<Time>,
}

/// A page of the people whose data was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exposure {
    /// The end of the time that was looked at: all pages tell of the same.
    pub until: Time,
    /// What was read in all; with the first page alone.
    pub totals: Option<Totals>,
    /// Whose, in the order of their ids.
    pub subjects: Vec<(SubjectId, Exposed)>,
    /// Where the next page begins; none after the last.
    pub next: Option<ExposurePosition>,
}

/// Whose data was read: at most `limit` people after `after`, and the totals when `after` is none.
/// Counted are reads that were answered: of records and identifiers, of consents, and exports whose
/// download was handed out. The question is in the log before it is answered.
///
/// # Errors
/// `invalid-query` when `from` is not before `to`; `client-not-found`, also for another app's
/// client; `user-not-found`.
pub async fn exposure(
    oubli: &Oubli,
    caller: &Caller,
    query: &ExposureQuery,
    after: Option<ExposurePosition>,
    limit: u32,
) -> Result<Exposure> {
    check(oubli, caller, query).await?;
    let now = oubli.now();
    let latest = query.to.map_or(just_after(now), |to| to.min(just_after(now)));
    let until = after.map_or(latest, |position| position.until.min(latest));
    let window = Window {
        oubli,
        app: &caller.app,
        actor: query.by.as_ref().map(ToString::to_string),
        from: query.from.unwrap_or(Time(0)),
        until,
    };
    let (totals, mut subjects) = match after {
        None => first_page(&window, limit).await?,
        Some(ExposurePosition { subject, .. }) => {
            let rest = gather(&window, Some(Person::Known(subject)), limit as usize + 1).await?;
            (None, rest.known().take(limit as usize + 1).collect())
        }
    };
    let more = subjects.len() > limit as usize;
    subjects.truncate(limit as usize);
    let next = subjects.last().filter(|_| more);
    let next = next.map(|(subject, _)| ExposurePosition { subject: *subject, until });
    log(&window, caller, query, now).await?;
    Ok(Exposure { until, totals, subjects, next })
}

/// Times are whole microseconds: this one bounds what happened at `at` as well.
fn just_after(at: Time) -> Time {
    Time(at.0.saturating_add(1))
}

type FirstPage = (Option<Totals>, Vec<(SubjectId, Exposed)>);

/// The totals, and one person more than `limit` when there are so many.
async fn first_page(window: &Window<'_>, limit: u32) -> Result<FirstPage> {
    let mut gathered = gather(window, None, PEOPLE).await?;
    let mut totals = Totals { app_exports: gathered.app_exports, ..Totals::default() };
    let first = gathered.known().take(limit as usize + 1).collect();
    loop {
        totals.add(window, &gathered).await?;
        match gathered.last().filter(|_| gathered.more) {
            Some(last) => gathered = gather(window, Some(last), PEOPLE).await?,
            None => return Ok((Some(totals), first)),
        }
    }
}

async fn check(oubli: &Oubli, caller: &Caller, query: &ExposureQuery) -> Result<()> {
    if query.from.zip(query.to).is_some_and(|(from, to)| from >= to) {
        return Err(Refusal::new(Code::InvalidQuery).detail("from must be before to.").into());
    }
    let mut conn = oubli.data().conn().await?;
    match &query.by {
        Some(Actor::Client(client)) => {
            // The id names its app: another app's client is in no row of this one.
            let found = clients::get(&mut conn, &caller.app, client).await?;
            found.map(drop).ok_or_else(|| Code::ClientNotFound.into())
        }
        Some(Actor::Staff(user)) => {
            let found = users::by_id(&mut conn, *user).await?;
            found.map(drop).ok_or_else(|| Code::UserNotFound.into())
        }
        Some(Actor::System) | None => Ok(()),
    }
}

async fn log(window: &Window<'_>, caller: &Caller, query: &ExposureQuery, now: Time) -> Result<()> {
    let mut entry = Entry::new().fact("until", window.until.to_string());
    if let Some(from) = query.from {
        entry = entry.fact("from", from.to_string());
    }
    if let Some(actor) = &window.actor {
        entry = entry.fact("by", actor.as_str());
    }
    let event = entry.event(&caller.app, &caller.actor, now, "audit.exposure");
    window.oubli.reads().record(event).await
}

/// The ids between which the events of a time lie. Their last milliseconds hold others too.
fn bounds(from: Time, until: Time) -> (EventId, EventId) {
    // An id after which that of every event from `from` on comes.
    let first = EventId(Uuid::from_u128(EventId::bound(from).0.as_u128().saturating_sub(1)));
    (first, EventId::bound(Time(until.0.saturating_add(1_000))))
}
