//! How data maps look on the wire.

use oubli_app::data_map::{DataMapVersion, Info};
use oubli_domain::Time;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// What is known of a version beside its document.
#[derive(Serialize, ToSchema)]
pub(super) struct DataMapInfo {
    /// Its number.
    #[schema(minimum = 1, example = 1)]
    pub(super) version: i64,
    /// SHA-256 of its canonical form (RFC 8785), as hex digits.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    digest: String,
    /// When it was put.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Who put it.
    #[schema(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    created_by: String,
}

/// A version of the data map.
#[derive(Serialize, ToSchema)]
pub(super) struct StoredDataMap {
    #[serde(flatten)]
    info: DataMapInfo,
    /// The data map; its schema is at `/v1/schemas/data-map`.
    #[schema(value_type = Object)]
    document: Value,
}

impl From<Info> for DataMapInfo {
    fn from(info: Info) -> Self {
        let Info { version, digest, created_at, created_by } = info;
        Self { version, digest, created_at, created_by }
    }
}

impl From<DataMapVersion> for StoredDataMap {
    fn from(stored: DataMapVersion) -> Self {
        Self { info: stored.info.into(), document: stored.document }
    }
}
