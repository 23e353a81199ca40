//! Reading the log: leaves as they were hashed, and what goes with the person where it is asked for.

mod export;
mod position;
mod query;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use oubli_domain::{AppId, EventId};
use oubli_store::events::{self, Search};
use serde_json::Value;

pub use export::export;
pub use position::EventPosition;
pub use query::EventQuery;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// An event that was found.
#[derive(Clone, PartialEq, Debug)]
pub struct FoundEvent {
    /// Its id.
    pub event: EventId,
    /// The leaf. What is hashed is its RFC 8785 form.
    pub leaf: Value,
    /// What goes with the person, names and ids; none once it is gone or when it was not asked for.
    pub payload: Option<Value>,
}

/// A page of the log.
#[derive(Clone, PartialEq, Debug)]
pub struct EventPage {
    /// At most as many as were asked for, oldest first.
    pub events: Vec<FoundEvent>,
    /// Where the next page begins; none when this one is not full.
    pub next: Option<EventPosition>,
}

/// At most `limit` events after `after`, in the order of their ids. A search for a person, or for
/// payloads, is itself in the log; its pages end with what was there at the first.
///
/// # Errors
/// `invalid-query` when `from` is not before `to`, or for a type that there is not;
/// `client-not-found` for a client of another app; `subject-not-found`, `subject-erasing`.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    query: &EventQuery,
    after: Option<EventPosition>,
    limit: u32,
) -> Result<EventPage> {
    let mut search = query.search(oubli, caller).await?;
    let until = if query.is_logged() {
        let until = match after.and_then(|position| position.until) {
            Some(until) => Some(until),
            None => newest(oubli, &caller.app).await?,
        };
        search.until = until;
        query.log(oubli, caller, "events.searched", until).await?;
        until
    } else {
        None
    };
    let after = after.map(|position| position.after);
    let found = page(oubli, &caller.app, &search, query.payloads, after, limit).await?;
    let next = found.last().filter(|_| found.len() >= limit as usize);
    let next = next.map(|last| EventPosition { after: last.event, until });
    Ok(EventPage { events: found, next })
}

/// The newest event of an app.
async fn newest(oubli: &Oubli, app: &AppId) -> Result<Option<EventId>> {
    Ok(events::newest(&mut oubli.data().conn().await?, app).await?)
}

/// One short read.
async fn page(
    oubli: &Oubli,
    app: &AppId,
    search: &Search,
    payloads: bool,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<FoundEvent>> {
    let mut conn = oubli.data().snapshot().await?;
    let leaves = events::list(&mut conn, app, search, after, limit.into()).await?;
    let mut beside = BTreeMap::new();
    if payloads {
        let ids: Vec<EventId> = leaves.iter().map(|(event, _)| *event).collect();
        beside = events::payloads(&mut conn, app, &ids).await?;
    }
    drop(conn);
    let read = |text: &str, what| serde_json::from_str(text).map_err(|_| Error::Damaged(what));
    leaves
        .into_iter()
        .map(|(event, leaf)| {
            let payload = beside.remove(&event);
            let payload = payload.map(|text| read(&text, "event_payloads.payload")).transpose()?;
            Ok(FoundEvent { event, leaf: read(&leaf, "events.leaf")?, payload })
        })
        .collect()
}
