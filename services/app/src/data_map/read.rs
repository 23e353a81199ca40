//! Reading the data map in force, an older version, and the list of versions.

use oubli_domain::{Code, DataMap, Time};
use oubli_store::data_maps::{self, DataMapSummary, StoredDataMap};
use serde_json::Value;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::hex;
use crate::oubli::Oubli;

/// What is known of a version beside its document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {
    /// Its number, from 1.
    pub version: i64,
    /// SHA-256 of its canonical form (RFC 8785), as hex digits.
    pub digest: String,
    /// When it was put.
    pub created_at: Time,
    /// The client or member of staff who put it.
    pub created_by: String,
}

/// A version of the data map.
#[derive(Clone, PartialEq, Debug)]
pub struct DataMapVersion {
    /// What is known of it.
    pub info: Info,
    /// The data map itself.
    pub document: Value,
}

impl From<DataMapSummary> for Info {
    fn from(stored: DataMapSummary) -> Self {
        let DataMapSummary { version, digest, created_at, created_by } = stored;
        Self { version, digest: hex(&digest), created_at, created_by }
    }
}

impl TryFrom<StoredDataMap> for DataMapVersion {
    type Error = Error;
    fn try_from(stored: StoredDataMap) -> Result<Self> {
        let document = serde_json::from_str(&stored.document)
            .map_err(|_| Error::Damaged("data_maps.document"))?;
        let StoredDataMap { version, digest, created_at, created_by, .. } = stored;
        let info = Info { version, digest: hex(&digest), created_at, created_by };
        Ok(Self { info, document })
    }
}

/// This version, or the one in force when `version` is none.
///
/// # Errors
/// `data-map-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller, version: Option<i64>) -> Result<DataMapVersion> {
    let mut conn = oubli.data().snapshot().await?;
    let in_force = oubli.model(&mut conn, &caller.app).await?.app.data_map_version;
    let stored = data_maps::get(&mut conn, &caller.app, version.unwrap_or(in_force)).await?;
    stored.ok_or(Code::DataMapNotFound)?.try_into()
}

/// The data map in force with its number, for what is made from it.
///
/// # Errors
/// `data-map-not-found` before the first one was put.
pub async fn in_force(oubli: &Oubli, caller: &Caller) -> Result<(i64, DataMap)> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    Ok((model.app.data_map_version, model.map()?.map().clone()))
}

/// At most `limit` versions, oldest first, from the one that follows `after`.
///
/// # Errors
/// `app-not-found`.
pub async fn list(oubli: &Oubli, caller: &Caller, after: i64, limit: u32) -> Result<Vec<Info>> {
    let mut conn = oubli.data().snapshot().await?;
    oubli.model(&mut conn, &caller.app).await?;
    let page = data_maps::list(&mut conn, &caller.app, after, limit.into()).await?;
    Ok(page.into_iter().map(Info::from).collect())
}
