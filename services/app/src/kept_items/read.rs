//! Reading the values of a kept item.

use std::fmt;

use oubli_domain::hold::LegalGround;
use oubli_domain::{Code, KeptItemId};
use oubli_store::kept_items::{self, Stored};
use serde_json::{Map, Value};

use super::seal::open;
use crate::caller::Caller;
use crate::error::Result;
use crate::log::Entry;
use crate::oubli::Oubli;

/// A kept item with its values.
#[derive(Clone)]
pub struct ReadItem {
    /// What it is, and who keeps it.
    pub item: Stored,
    /// Its values, decrypted.
    pub body: Map<String, Value>,
}

impl fmt::Debug for ReadItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadItem").field("item", &self.item.id).finish_non_exhaustive()
    }
}

/// Reads a kept item on a ground. The read is in the log, with the ground, before it is answered.
///
/// # Errors
/// `kept-item-not-found`, also once nothing keeps it any more.
pub async fn read(
    oubli: &Oubli,
    caller: &Caller,
    item: KeptItemId,
    ground: LegalGround,
) -> Result<ReadItem> {
    let app = &caller.app;
    let mut conn = oubli.data().snapshot().await?;
    let found = kept_items::get(&mut conn, app, item).await?.ok_or(Code::KeptItemNotFound)?;
    let sealed = kept_items::body(&mut conn, app, item).await?.ok_or(Code::KeptItemNotFound)?;
    drop(conn);
    // The key goes first: an item without one is on its way out.
    let key = oubli.keyring().kept_key(app, item).await?.ok_or(Code::KeptItemNotFound)?;
    let body = open(&key, item, &found.item, &sealed)?;
    let event = Entry::new()
        .reason(ground.as_str())
        .fact("item", item.to_string())
        .fact("request", found.request.to_string())
        .event(app, &caller.actor, oubli.now(), "kept_item.read");
    oubli.reads().record(event).await?;
    Ok(ReadItem { item: found, body })
}
