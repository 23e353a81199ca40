//! Reading a version of a notice, and the list of versions.

use std::collections::BTreeMap;

use oubli_domain::consent::Language;
use oubli_domain::{Code, Name, Time};
use oubli_store::notices::{self, Notice, NoticeSummary};

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::hex;
use crate::oubli::Oubli;

/// What is known of a version beside its texts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Info {
    /// The notice.
    pub notice: Name,
    /// The version's number, from 1.
    pub version: i64,
    /// SHA-256 of the canonical form (RFC 8785) of its texts, as hex digits.
    pub digest: String,
    /// Whether consents under older versions are outdated by it.
    pub requires_renewal: bool,
    /// When it was put.
    pub created_at: Time,
    /// The client or member of staff who put it.
    pub created_by: String,
}

/// A version of a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeVersion {
    /// What is known of it.
    pub info: Info,
    /// The text in each language.
    pub texts: BTreeMap<Language, String>,
}

/// A place in the list of versions: the notice and the version there.
pub type Position = (Name, i64);

impl From<NoticeSummary> for Info {
    fn from(stored: NoticeSummary) -> Self {
        Self {
            notice: stored.notice,
            version: stored.version,
            digest: hex(&stored.digest),
            requires_renewal: stored.requires_renewal,
            created_at: stored.created_at,
            created_by: stored.created_by,
        }
    }
}

impl TryFrom<Notice> for NoticeVersion {
    type Error = Error;
    fn try_from(stored: Notice) -> Result<Self> {
        let texts = serde_json::from_str(&stored.texts_json)
            .map_err(|_| Error::Damaged("notices.texts"))?;
        let info = Info {
            notice: stored.notice,
            version: stored.version,
            digest: hex(&stored.digest),
            requires_renewal: stored.requires_renewal,
            created_at: stored.created_at,
            created_by: stored.created_by,
        };
        Ok(Self { info, texts })
    }
}

/// This version of a notice, or the newest one when `version` is none.
///
/// # Errors
/// `notice-not-found`.
pub async fn get(
    oubli: &Oubli,
    caller: &Caller,
    notice: &Name,
    version: Option<i64>,
) -> Result<NoticeVersion> {
    let mut conn = oubli.data().conn().await?;
    let stored = notices::get(&mut conn, &caller.app, notice, version).await?;
    stored.ok_or(Code::NoticeNotFound)?.try_into()
}

/// At most `limit` versions by notice and number, from the one that follows `after`.
///
/// # Errors
/// `app-not-found`.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    after: Option<&Position>,
    limit: u32,
) -> Result<Vec<Info>> {
    let mut conn = oubli.data().snapshot().await?;
    oubli.model(&mut conn, &caller.app).await?;
    let after = after.map(|(notice, version)| (notice, *version));
    let page = notices::page(&mut conn, &caller.app, after, limit.into()).await?;
    Ok(page.into_iter().map(Info::from).collect())
}
