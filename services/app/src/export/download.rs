//! Handing a bundle out once: a token that is shown once, and a stream of clear chunks.

use std::fmt;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::stream::try_unfold;
use oubli_domain::{AppId, Code, ExportId, RequestId, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::exports::{self, Export};
use oubli_store::{StoreError, apps, events, subjects};
use oubli_vault::chunked::STREAM_HEADER_BYTES;
use oubli_vault::{BundleKey, ChunkOpener, DataKey, SecretToken};
use serde_json::json;
use zeroize::Zeroizing;

use super::{hide_subject, ready_export};
use crate::caller::{Actor, Call};
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::read_payload::HANDED_OUT;

/// How often a download may be begun with one token.
const TRIES: i64 = 5;
/// What the MAC of a token is for.
const DOMAIN: &str = "oubli/download-token/v1";

/// A token for one download. It is shown once: `Debug` hides it.
pub struct IssuedDownload {
    /// The bundle.
    pub export: ExportId,
    /// The token.
    pub token: SecretToken,
    /// When the bundle can no longer be downloaded.
    pub expires_at: Time,
}

impl fmt::Debug for IssuedDownload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedDownload").field("export", &self.export).finish_non_exhaustive()
    }
}

fn token_mac(oubli: &Oubli, app: &AppId, export: ExportId, token: &str) -> [u8; 32] {
    let parts = [app.as_str().as_bytes(), export.0.as_bytes(), token.as_bytes()];
    oubli.secrets().mac.mac(DOMAIN, &parts)
}

/// Issues a token for the bundle of a request; an older one is void.
///
/// # Errors
/// `request-not-found`; `illegal-transition` for an erasure; `export-not-ready`;
/// `download-not-found` once it was downloaded or has expired; `secret-already-shown` for a repeat.
pub async fn issue_download(
    oubli: &Oubli,
    call: &Call,
    request: RequestId,
) -> Result<IssuedDownload> {
    let (app, now) = (call.caller.app.clone(), oubli.now());
    let export = ready_export(&mut oubli.data().snapshot().await?, &app, request, now).await?;
    let (id, subject, expires_at) = (export.export, export.subject, export.expires_at);
    let token = SecretToken::generate();
    let mac = token_mac(oubli, &app, id, token.expose());
    let key = oubli.keyring().data_key(&app, subject).await?;
    let event = Entry::about(subject, &key)
        .fact("request", request.to_string())
        .payload(json!({ "request": request }))
        .event(&app, &call.caller.actor, now, HANDED_OUT);
    let secret = Answer::OneTimeSecret;
    oubli
        .write_once("downloads.issue", call, Some(subject), secret, move |tx| {
            let (app, event) = (app.clone(), event.clone());
            Box::pin(async move {
                subjects::lock(tx, &app, subject).await?;
                if !exports::set_token(tx, &app, id, &mac, expires_at).await? {
                    return Err(StoreError::Refused(Code::DownloadNotFound.into()));
                }
                events::insert(tx, &event).await
            })
        })
        .await?;
    Ok(IssuedDownload { export: id, token, expires_at })
}

/// A download that was begun.
pub struct Download {
    /// Bytes of the ZIP.
    pub bytes: u64,
    reader: Reader,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl Download {
    /// The ZIP, in chunks of 1 MiB at most. The token is used up before the last of them is given:
    /// whoever reads a whole bundle has had the one download. Where another download with the same
    /// token was first, the stream ends in `download-not-found` without its last chunk.
    pub fn into_stream(self) -> impl Stream<Item = Result<Zeroizing<Vec<u8>>>> + Send + 'static {
        try_unfold(self.reader, |mut reader| async move {
            Ok(reader.next().await?.map(|chunk| (chunk, reader)))
        })
    }
}

/// Begins a download. Each call counts as a try of the token, five at most.
///
/// # Errors
/// `download-not-found` when the token is wrong, void, used up, expired or was tried too often, and
/// when the person is being erased or the app deleted.
pub async fn open_download(
    oubli: &Arc<Oubli>,
    app: &AppId,
    export: ExportId,
    token: &str,
) -> Result<Download> {
    let (of, now) = (app.clone(), oubli.now());
    let mac = token_mac(oubli, app, export, token);
    let begun = oubli.data().write("downloads.begin", move |tx| {
        let app = of.clone();
        Box::pin(async move {
            match apps::hold(tx, &app).await {
                Err(StoreError::Refused(_)) => return Ok(false),
                held => held?,
            }
            exports::begin_try(tx, &app, export, &mac, TRIES, now).await
        })
    });
    if !begun.await? {
        return Err(Code::DownloadNotFound.into());
    }
    let mut conn = oubli.data().snapshot().await?;
    let row = exports::get(&mut conn, app, export).await?.ok_or(Code::DownloadNotFound)?;
    subjects::require(&mut conn, app, row.subject).await.map_err(hide_subject)?;
    drop(conn);
    let data_key = oubli.keyring().data_key(app, row.subject).await?;
    let key = BundleKey::unwrap(&data_key, &export.to_string(), &row.wrapped_key)?;
    Ok(Download {
        bytes: row.bytes.unsigned_abs(),
        reader: Reader {
            done: event(&row, &data_key, app, now),
            oubli: Arc::clone(oubli),
            app: app.clone(),
            export: row.export,
            subject: row.subject,
            chunks: row.chunks,
            key,
            opener: None,
            next: 0,
        },
    })
}

fn event(row: &Export, key: &DataKey, app: &AppId, now: Time) -> NewEvent {
    Entry::about(row.subject, key).fact("request", row.request.to_string()).event(
        app,
        &Actor::System,
        now,
        "download.completed",
    )
}

/// Where a download is.
struct Reader {
    oubli: Arc<Oubli>,
    app: AppId,
    export: ExportId,
    subject: SubjectId,
    chunks: i64,
    key: BundleKey,
    opener: Option<ChunkOpener>,
    next: i64,
    /// What is logged with the last chunk.
    done: NewEvent,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Zeroizing<Vec<u8>>>> {
        if self.next == self.chunks {
            return Ok(None);
        }
        let mut conn = self.oubli.data().conn().await?;
        let sealed = exports::chunk(&mut conn, &self.app, self.export, self.next).await?;
        drop(conn);
        // An erasure or an expiry took the bundle away in the middle.
        let sealed = sealed.ok_or(Code::DownloadNotFound)?;
        let last = self.next + 1 == self.chunks;
        self.next += 1;
        let clear = self.open(&sealed, last)?;
        // Not after it: a client that has every byte need not ask for more.
        if last {
            self.use_up().await?;
        }
        Ok(Some(clear))
    }

    fn open(&mut self, sealed: &[u8], last: bool) -> Result<Zeroizing<Vec<u8>>> {
        if let Some(opener) = &mut self.opener {
            return Ok(opener.open(sealed, last)?);
        }
        let (header, sealed) = sealed
            .split_at_checked(STREAM_HEADER_BYTES)
            .ok_or(Error::Damaged("export_chunks.sealed"))?;
        let opener = self.opener.insert(ChunkOpener::new(&self.key, header)?);
        Ok(opener.open(sealed, last)?)
    }

    /// Voids the token for a download that is about to be whole.
    ///
    /// # Errors
    /// `download-not-found` when another download was first.
    async fn use_up(&self) -> Result<()> {
        let (app, export, subject) = (self.app.clone(), self.export, self.subject);
        let (event, now) = (self.done.clone(), self.oubli.now());
        let used = self.oubli.data().write("downloads.use_up", move |tx| {
            let (app, event) = (app.clone(), event.clone());
            Box::pin(async move {
                subjects::lock(tx, &app, subject).await?;
                if !exports::use_up(tx, &app, export, now).await? {
                    return Err(StoreError::Refused(Code::DownloadNotFound.into()));
                }
                events::insert(tx, &event).await
            })
        });
        used.await.map_err(hide_subject)
    }
}
