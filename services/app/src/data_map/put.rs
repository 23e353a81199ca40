//! Putting a data map in force.

use oubli_domain::{CompiledDataMap, DataMap, Time, json};
use oubli_store::apps::App;
use oubli_store::events::{self, NewEvent};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, data_maps};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::stored_types::refuse_changed_types;
use crate::caller::Call;
use crate::error::Result;
use crate::log::{Entry, hex};
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// What a put did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Put {
    /// The version in force, from 1.
    pub version: i64,
    /// SHA-256 of its canonical form (RFC 8785), as hex digits.
    pub digest: String,
    /// Whether this call made the version; not when it was in force already.
    pub changed: bool,
}

/// Puts a data map in force as a new version. One that is in force already stays as it is.
///
/// A record that was validated by an older version is not written once this one is in force: its
/// write finds that out in its transaction and begins again. Two gaps remain in which a value of
/// the old type can still come in beside a changed one, both only while records are written: between
/// the count of what is stored and the transaction that puts the version in force; and, on
/// PostgreSQL, until the transactions that began before that one have ended. Such a value stays
/// readable; the next write of its record is refused until the field has the new type. So change a
/// type while nothing writes the category, or declare a field of a new name instead.
///
/// # Errors
/// `invalid-data-map` with the places that are wrong; `too-large`; `stored-field-type` with counts
/// when the type of a field changes of which values are stored.
pub async fn put(oubli: &Oubli, call: &Call, document: Value) -> Result<Put> {
    retry_stale(|| async {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let draft = Draft::new(oubli, call, &document).await?;
        oubli
            .write_once("data_map.put", call, None, Answer::Repeatable, move |tx| {
                let draft = draft.clone();
                Box::pin(async move { draft.apply(tx).await })
            })
            .await
    })
    .await
}

/// A version that only needs its transaction.
#[derive(Clone, Debug)]
struct Draft {
    /// The app as it was when this was prepared.
    app: App,
    put: Put,
    text: String,
    digest: [u8; 32],
    at: Time,
    by: String,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, document: &Value) -> Result<Self> {
        let caller = &call.caller;
        let mut conn = oubli.data().snapshot().await?;
        let app = oubli.model(&mut conn, &caller.app).await?.app.clone();
        let current = data_maps::get(&mut conn, &caller.app, app.data_map_version).await?;
        drop(conn);
        let compiled = CompiledDataMap::compile(DataMap::parse(document.clone())?)?;
        let text = json::canonical(document);
        let changed = current.as_ref().is_none_or(|current| current.document != text);
        if let Some(current) = current.filter(|_| changed) {
            refuse_changed_types(oubli, &caller.app, &compiled, &current).await?;
        }
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let version = app.data_map_version + i64::from(changed);
        let put = Put { version, digest: hex(&digest), changed };
        let at = oubli.now();
        let event = Entry::new()
            .fact("version", version)
            .fact("digest_sha256", put.digest.as_str())
            .event(&caller.app, &caller.actor, at, "data_map.put");
        Ok(Self { app, put, text, digest, at, by: caller.actor.to_string(), event })
    }

    /// # Errors
    /// [`StoreError::Stale`] when another version is in force by now.
    async fn apply(&self, tx: &mut Tx) -> StoreResult<Put> {
        let (app, from) = (&self.app.app, self.app.data_map_version);
        let current = apps::get(tx, app).await?;
        if current.is_none_or(|current| current.data_map_version != from) {
            return Err(StoreError::Stale);
        }
        if self.put.changed {
            let to = self.put.version;
            // First, so that of two puts at once one waits here and then runs again.
            apps::set_data_map_version(tx, app, from, to).await?;
            data_maps::insert(tx, app, to, &self.text, &self.digest, self.at, &self.by).await?;
            events::insert(tx, &self.event).await?;
        }
        Ok(self.put.clone())
    }
}
