//! Export bundles: sealed chunks, and the token that lets one be downloaded once.

use oubli_domain::{AppId, ExportId, RequestId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into exports (app_id, export_id, subject_id, request_id, wrapped_key, chunks, bytes, ready, tries, expires_at, created_at) values ($1, $2, $3, $4, $5, 0, 0, $6, 0, $7, $8)";
    GET = "select export_id, subject_id, request_id, wrapped_key, chunks, bytes, ready, token_mac, tries, expires_at, used_at from exports where app_id = $1 and export_id = $2";
    BY_REQUEST = "select export_id, subject_id, request_id, wrapped_key, chunks, bytes, ready, token_mac, tries, expires_at, used_at from exports where app_id = $1 and request_id = $2 order by export_id desc limit 1";
    INSERT_CHUNK = "insert into export_chunks (app_id, export_id, chunk, subject_id, sealed) values ($1, $2, $3, $4, $5)";
    CHUNK = "select sealed from export_chunks where app_id = $1 and export_id = $2 and chunk = $3";
    FINISH = "update exports set ready = $3, chunks = $4, bytes = $5 where app_id = $1 and export_id = $2";
    SET_EXPIRY = "update exports set expires_at = $3 where app_id = $1 and export_id = $2";
    SET_TOKEN = "update exports set token_mac = $3, tries = 0, expires_at = $4 where app_id = $1 and export_id = $2 and used_at is null";
    TRY = "update exports set tries = tries + 1 where app_id = $1 and export_id = $2 and token_mac = $3 and used_at is null and tries < $4 and expires_at > $5";
    USE_UP = "update exports set used_at = $3, token_mac = null where app_id = $1 and export_id = $2 and used_at is null";
    DELETE_CHUNKS = "delete from export_chunks where app_id = $1 and export_id = $2 and chunk in (select chunk from export_chunks where app_id = $1 and export_id = $2 limit 16)";
    DELETE = "delete from exports where app_id = $1 and export_id = $2";
    EXPIRED = "select app_id, export_id from exports where expires_at <= $1 or used_at is not null order by expires_at limit $2";
}

/// A bundle's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export {
    /// Its id.
    pub export: ExportId,
    /// Whose data it holds.
    pub subject: SubjectId,
    /// The request it answers.
    pub request: RequestId,
    /// The bundle key, wrapped by the subject's data key.
    pub wrapped_key: Vec<u8>,
    /// How many chunks it has, once ready.
    pub chunks: i64,
    /// How long it is in clear, once ready.
    pub bytes: i64,
    /// Whether it is whole.
    pub ready: bool,
    /// HMAC of the download token, while there is one.
    pub token_mac: Option<Vec<u8>>,
    /// How many downloads were begun with that token.
    pub tries: i64,
    /// When it can no longer be downloaded.
    pub expires_at: Time,
    /// When it was downloaded completely.
    pub used_at: Option<Time>,
}

#[derive(sqlx::FromRow)]
struct Row {
    export_id: Uuid,
    subject_id: Uuid,
    request_id: Uuid,
    wrapped_key: Vec<u8>,
    chunks: i64,
    bytes: i64,
    ready: bool,
    token_mac: Option<Vec<u8>>,
    tries: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl From<Row> for Export {
    fn from(row: Row) -> Self {
        Self {
            export: ExportId(row.export_id),
            subject: SubjectId(row.subject_id),
            request: RequestId(row.request_id),
            wrapped_key: row.wrapped_key,
            chunks: row.chunks,
            bytes: row.bytes,
            ready: row.ready,
            token_mac: row.token_mac,
            tries: row.tries,
            expires_at: Time(row.expires_at),
            used_at: row.used_at.map(Time),
        }
    }
}

/// Begins a bundle. The subject must be locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id is there.
pub async fn insert(tx: &mut Tx, app: &AppId, new: &Export, at: Time) -> Result<()> {
    let (export, subject, request) = (new.export, new.subject, new.request);
    let args = (app, export, subject, request, &new.wrapped_key, false, new.expires_at, at);
    tx.execute_one(&INSERT, args).await
}

/// A bundle, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, export: ExportId) -> Result<Option<Export>> {
    Ok(conn.optional::<Row>(&GET, (app, export)).await?.map(Export::from))
}

/// The newest bundle of a request, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn by_request(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
) -> Result<Option<Export>> {
    Ok(conn.optional::<Row>(&BY_REQUEST, (app, request)).await?.map(Export::from))
}

/// Adds a sealed chunk. The subject must be locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when the chunk is there.
pub async fn insert_chunk(
    tx: &mut Tx,
    app: &AppId,
    export: ExportId,
    chunk: i64,
    subject: SubjectId,
    sealed: &[u8],
) -> Result<()> {
    tx.execute_one(&INSERT_CHUNK, (app, export, chunk, subject, sealed)).await
}

/// One sealed chunk, counted from 0.
///
/// # Errors
/// When the database does not answer.
pub async fn chunk(
    conn: &mut Conn,
    app: &AppId,
    export: ExportId,
    chunk: i64,
) -> Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = conn.optional(&CHUNK, (app, export, chunk)).await?;
    Ok(row.map(|(sealed,)| sealed))
}

/// Marks a bundle as whole.
///
/// # Errors
/// [`StoreError::RowCount`] when it is gone.
pub async fn finish(
    tx: &mut Tx,
    app: &AppId,
    export: ExportId,
    chunks: i64,
    bytes: i64,
) -> Result<()> {
    tx.execute_one(&FINISH, (app, export, true, chunks, bytes)).await
}

/// Sets when a bundle can no longer be downloaded.
///
/// # Errors
/// [`StoreError::RowCount`] when it is gone.
pub async fn set_expiry(
    tx: &mut Tx,
    app: &AppId,
    export: ExportId,
    expires_at: Time,
) -> Result<()> {
    tx.execute_one(&SET_EXPIRY, (app, export, expires_at)).await
}

/// Gives a bundle a new download token; an older one is void. False when it was used up.
///
/// # Errors
/// When the database does not answer.
pub async fn set_token(
    tx: &mut Tx,
    app: &AppId,
    export: ExportId,
    token_mac: &[u8; 32],
    expires_at: Time,
) -> Result<bool> {
    Ok(tx.execute(&SET_TOKEN, (app, export, token_mac, expires_at)).await? == 1)
}

/// Counts one try of the token; false when it is wrong, used up, expired or was tried too often.
///
/// # Errors
/// When the database does not answer.
pub async fn begin_try(
    tx: &mut Tx,
    app: &AppId,
    export: ExportId,
    token_mac: &[u8; 32],
    most: i64,
    now: Time,
) -> Result<bool> {
    Ok(tx.execute(&TRY, (app, export, token_mac, most, now)).await? == 1)
}

/// Voids the token after a complete download; false when another download was first.
///
/// # Errors
/// When the database does not answer.
pub async fn use_up(tx: &mut Tx, app: &AppId, export: ExportId, at: Time) -> Result<bool> {
    Ok(tx.execute(&USE_UP, (app, export, at)).await? == 1)
}

/// Deletes a bundle, a few of its chunks in each transaction, since a chunk is a megabyte; true once
/// it is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_some(tx: &mut Tx, app: &AppId, export: ExportId) -> Result<bool> {
    if tx.execute(&DELETE_CHUNKS, (app, export)).await? > 0 {
        return Ok(false);
    }
    tx.execute(&DELETE, (app, export)).await.map(|_| true)
}

/// Bundles that expired at or before `before`, or were downloaded.
///
/// # Errors
/// When the database does not answer.
pub async fn expired(conn: &mut Conn, before: Time, limit: i64) -> Result<Vec<(AppId, ExportId)>> {
    let rows: Vec<(String, Uuid)> = conn.all(&EXPIRED, (before, limit)).await?;
    rows.into_iter()
        .map(|(app, export)| {
            let app = AppId::new(app).map_err(|_| StoreError::Damaged("exports.app_id"))?;
            Ok((app, ExportId(export)))
        })
        .collect()
}
