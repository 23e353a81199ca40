//! The versions of an app's data map. A version is never changed; `apps` says which is in force.

use oubli_domain::{AppId, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into data_maps (app_id, version, document, digest, created_at, created_by) \
        values ($1, $2, $3, $4, $5, $6)";
    GET = "select version, document, digest, created_at, created_by from data_maps \
        where app_id = $1 and version = $2";
    AT = "select version, document, digest, created_at, created_by from data_maps \
        where app_id = $1 and created_at <= $2 order by version desc limit 1";
    LIST = "select version, digest, created_at, created_by from data_maps \
        where app_id = $1 and version > $2 order by version limit $3";
}

/// A stored version of a data map.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredDataMap {
    /// Its number, from 1.
    pub version: i64,
    /// The document, as RFC 8785 JSON.
    pub document: String,
    /// The SHA-256 digest of the document.
    pub digest: [u8; 32],
    /// When it was put.
    pub created_at: Time,
    /// Which client or staff user put it.
    pub created_by: String,
}

/// A version of a data map without its document, for lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataMapSummary {
    /// Its number, from 1.
    pub version: i64,
    /// The SHA-256 digest of the document.
    pub digest: [u8; 32],
    /// When it was put.
    pub created_at: Time,
    /// Which client or staff user put it.
    pub created_by: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    version: i64,
    document: String,
    digest: Vec<u8>,
    created_at: i64,
    created_by: String,
}

impl Row {
    fn read(self) -> Result<StoredDataMap> {
        Ok(StoredDataMap {
            version: self.version,
            document: self.document,
            digest: self.digest.try_into().map_err(|_| StoreError::Damaged("data_maps.digest"))?,
            created_at: Time(self.created_at),
            created_by: self.created_by,
        })
    }
}

/// Adds a version. It is in force only once [`crate::apps::set_data_map_version`] says so.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has this version.
pub async fn insert(
    tx: &mut Tx,
    app: &AppId,
    version: i64,
    document: &str,
    digest: &[u8; 32],
    at: Time,
    by: &str,
) -> Result<()> {
    tx.execute_one(&INSERT, (app, version, document, digest, at, by)).await
}

/// This version, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn get(conn: &mut Conn, app: &AppId, version: i64) -> Result<Option<StoredDataMap>> {
    conn.optional::<Row>(&GET, (app, version)).await?.map(Row::read).transpose()
}

/// The version that was in force at `at`: the newest that had been put. None before the first.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn at(conn: &mut Conn, app: &AppId, at: Time) -> Result<Option<StoredDataMap>> {
    conn.optional::<Row>(&AT, (app, at)).await?.map(Row::read).transpose()
}

/// At most `limit` versions, oldest first, from the one that follows `after`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    after: i64,
    limit: i64,
) -> Result<Vec<DataMapSummary>> {
    let rows: Vec<(i64, Vec<u8>, i64, String)> = conn.all(&LIST, (app, after, limit)).await?;
    rows.into_iter()
        .map(|(version, digest, created_at, created_by)| {
            let digest = digest.try_into().map_err(|_| StoreError::Damaged("data_maps.digest"))?;
            Ok(DataMapSummary { version, digest, created_at: Time(created_at), created_by })
        })
        .collect()
}
