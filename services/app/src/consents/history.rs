//! The consent events of a person, as they were recorded.

use oubli_domain::{EventId, SubjectId};
use oubli_store::{consents, subjects};
use serde_json::json;

use super::signals::RecordedEvent;
use super::state::log_read;
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A place in the history: the sequence number and the id of the event there.
pub type Position = (i64, EventId);

/// At most `limit` events, in the order in which the service learned of them, from the one that
/// follows `after`. The read is logged.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub async fn history(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
    after: Option<Position>,
    limit: u32,
) -> Result<Vec<RecordedEvent>> {
    let mut conn = oubli.data().snapshot().await?;
    subjects::require(&mut conn, &caller.app, subject).await?;
    let page = consents::history(&mut conn, &caller.app, subject, after, limit.into()).await?;
    drop(conn);
    let key = oubli.keyring().data_key(&caller.app, subject).await?;
    let page = page.into_iter().map(|event| RecordedEvent::open(&key, event)).collect();
    log_read(oubli, caller, subject, json!({ "view": "history" })).await?;
    page
}
