//! Reading the log: leaves as they were hashed, without what goes with the person.

use oubli_domain::EventId;
use oubli_store::events;

use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A page of at most `limit` leaves after `after`, in the order of their ids. A leaf is RFC 8785
/// JSON text and stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<(EventId, String)>> {
    let mut conn = oubli.data().conn().await?;
    Ok(events::list(&mut conn, &caller.app, after, limit.into()).await?)
}
