//! How notices look on the wire.

use std::collections::BTreeMap;
use std::str::FromStr;

use oubli_app::notices::{Info, NoticeVersion, Position};
use oubli_domain::consent::Language;
use oubli_domain::{Name, Time};
use serde::Serialize;
use utoipa::ToSchema;

/// What is known of a version beside its texts.
#[derive(Serialize, ToSchema)]
pub(super) struct NoticeInfo {
    /// The notice.
    #[schema(value_type = String, example = "newsletter")]
    pub(super) notice: Name,
    /// The version's number.
    #[schema(minimum = 1, example = 1)]
    pub(super) version: i64,
    /// SHA-256 of the canonical form (RFC 8785) of its texts, as hex digits.
    #[schema(example = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae")]
    digest: String,
    /// Whether consents under older versions are outdated by it.
    requires_renewal: bool,
    /// When it was put.
    #[schema(value_type = String, format = DateTime)]
    created_at: Time,
    /// Who put it.
    #[schema(example = "client:shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    created_by: String,
}

/// A version of a notice.
#[derive(Serialize, ToSchema)]
pub(super) struct Notice {
    #[serde(flatten)]
    info: NoticeInfo,
    /// The text in each language.
    #[schema(value_type = BTreeMap<String, String>)]
    texts: BTreeMap<Language, String>,
}

impl From<Info> for NoticeInfo {
    fn from(info: Info) -> Self {
        let Info { notice, version, digest, requires_renewal, created_at, created_by } = info;
        Self { notice, version, digest, requires_renewal, created_at, created_by }
    }
}

impl From<NoticeVersion> for Notice {
    fn from(stored: NoticeVersion) -> Self {
        Self { info: stored.info.into(), texts: stored.texts }
    }
}

/// Where a page of the list begins: `notice.version`.
pub(super) struct Cursor(pub(super) Position);

impl FromStr for Cursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (notice, version) = text.split_once('.').ok_or(())?;
        Ok(Self((Name::new(notice).map_err(drop)?, version.parse().map_err(drop)?)))
    }
}
