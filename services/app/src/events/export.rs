//! Handing out the log as one stream.

use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use oubli_domain::{AppId, EventId};
use oubli_store::events::Search;

use super::{EventQuery, FoundEvent, newest, page};
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// The events of one short read.
const PAGE: u32 = 500;

/// Every event that a query finds, oldest first, up to the newest that there was when the export
/// began; in pages, of which one is in memory at a time. The export is in the log before its first
/// page.
///
/// # Errors
/// As [`super::list`]. The stream ends early when the database fails.
pub async fn export(
    oubli: &Arc<Oubli>,
    caller: &Caller,
    query: &EventQuery,
) -> Result<impl Stream<Item = Result<Vec<FoundEvent>>> + Send + 'static + use<>> {
    let mut search = query.search(oubli, caller).await?;
    search.until = newest(oubli, &caller.app).await?;
    query.log(oubli, caller, "events.exported", search.until).await?;
    let reader = Reader {
        oubli: Arc::clone(oubli),
        app: caller.app.clone(),
        search,
        payloads: query.payloads,
        after: None,
        done: false,
    };
    Ok(try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|page| (page, reader)))
    }))
}

/// Where an export is.
struct Reader {
    oubli: Arc<Oubli>,
    app: AppId,
    search: Search,
    payloads: bool,
    after: Option<EventId>,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Vec<FoundEvent>>> {
        if self.done {
            return Ok(None);
        }
        let page =
            page(&self.oubli, &self.app, &self.search, self.payloads, self.after, PAGE).await?;
        self.done = page.len() < PAGE as usize;
        self.after = page.last().map(|last| last.event);
        Ok((!page.is_empty()).then_some(page))
    }
}
