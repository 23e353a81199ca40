//! Putting a version of a notice.

use std::collections::BTreeMap;

use oubli_domain::consent::Language;
use oubli_domain::{Code, Name, Refusal, json};
use oubli_store::events::{self, NewEvent};
use oubli_store::notices::{self, Notice};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::caller::Call;
use crate::error::Result;
use crate::log::{Entry, hex};
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// The longest text in one language, in bytes of UTF-8.
pub const MAX_TEXT: usize = 64 * 1024;

/// The most languages of one version.
pub const MAX_LANGUAGES: usize = 30;

/// The content of a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewNotice {
    /// The text in each language: 1 to [`MAX_LANGUAGES`], each at most [`MAX_TEXT`].
    pub texts: BTreeMap<Language, String>,
    /// Whether consents under older versions are outdated by it.
    pub requires_renewal: bool,
}

/// What a put did.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Put {
    /// The newest version, from 1.
    pub version: i64,
    /// SHA-256 of the canonical form (RFC 8785) of its texts, as hex digits.
    pub digest: String,
    /// Whether this call made the version; not when the newest one says the same.
    pub changed: bool,
}

impl NewNotice {
    fn check(&self) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::new(Code::InvalidBody).at("/texts", detail));
        if !(1..=MAX_LANGUAGES).contains(&self.texts.len()) {
            return refuse("must have 1 to 30 languages");
        }
        let mut tags: Vec<_> = self.texts.keys().map(|l| l.as_str().to_lowercase()).collect();
        tags.sort_unstable();
        if tags.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("has a language twice: tags differ in more than capitals");
        }
        if self.texts.values().any(|text| text.trim().is_empty()) {
            return refuse("has a text that is empty");
        }
        if self.texts.values().any(|text| text.len() > MAX_TEXT) {
            return refuse("has a text of more than 64 KiB");
        }
        Ok(())
    }
}

/// Puts a new version of a notice, unless the newest one says the same.
///
/// # Errors
/// `invalid-body` with what is wrong with the texts; `app-not-found`.
pub async fn put(oubli: &Oubli, call: &Call, notice: &Name, new: &NewNotice) -> Result<Put> {
    new.check()?;
    retry_stale(|| async {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let draft = Draft::new(oubli, call, notice, new).await?;
        oubli
            .write_once("notices.put", call, None, Answer::Repeatable, move |tx| {
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
    app: oubli_domain::AppId,
    /// The newest version when this was prepared; 0 for none.
    seen: i64,
    changed: bool,
    row: Notice,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, notice: &Name, new: &NewNotice) -> Result<Self> {
        let (app, at) = (call.caller.app.clone(), oubli.now());
        let mut conn = oubli.data().snapshot().await?;
        oubli.model(&mut conn, &app).await?;
        let newest = notices::get(&mut conn, &app, notice, None).await?;
        drop(conn);
        let texts_json = json::canonical(&json!(new.texts));
        let changed = newest.as_ref().is_none_or(|newest| {
            newest.texts_json != texts_json || newest.requires_renewal != new.requires_renewal
        });
        let seen = newest.map_or(0, |newest| newest.version);
        let row = Notice {
            notice: notice.clone(),
            version: seen + i64::from(changed),
            digest: Sha256::digest(texts_json.as_bytes()).into(),
            texts_json,
            requires_renewal: new.requires_renewal,
            created_at: at,
            created_by: call.caller.actor.to_string(),
        };
        let event = Entry::new()
            .fact("notice", notice.as_str())
            .fact("version", row.version)
            .fact("digest_sha256", hex(&row.digest))
            .fact("requires_renewal", row.requires_renewal)
            .event(&app, &call.caller.actor, at, "notice.put");
        Ok(Self { app, seen, changed, row, event })
    }

    /// # Errors
    /// [`StoreError::Stale`] when there is a newer version by now.
    async fn apply(&self, tx: &mut Tx) -> StoreResult<Put> {
        let row = &self.row;
        if self.changed {
            // First, so that of two puts at once one waits here and then runs again; and so that
            // every node makes its model of the app anew.
            apps::touch(tx, &self.app).await?;
        }
        let newest = notices::get(tx, &self.app, &row.notice, None).await?;
        if newest.map_or(0, |newest| newest.version) != self.seen {
            return Err(StoreError::Stale);
        }
        if self.changed {
            notices::insert(tx, &self.app, row).await?;
            events::insert(tx, &self.event).await?;
        }
        Ok(Put { version: row.version, digest: hex(&row.digest), changed: self.changed })
    }
}
