//! Notices: the texts that people were shown when they were asked for consent, version by version.
//! A version is never changed, since consents point to it.

use oubli_domain::{AppId, Name, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into notices (app_id, notice, version, texts, digest, requires_renewal, \
        created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8)";
    GET = "select notice, version, texts, digest, requires_renewal, created_at, created_by \
        from notices where app_id = $1 and notice = $2 and version = $3";
    NEWEST = "select notice, version, texts, digest, requires_renewal, created_at, created_by \
        from notices where app_id = $1 and notice = $2 order by version desc limit 1";
    LIST = "select notice, version, digest, requires_renewal, created_at, created_by \
        from notices where app_id = $1 order by notice, version";
    PAGE = "select notice, version, digest, requires_renewal, created_at, created_by from notices \
        where app_id = $1 and (notice, version) > ($2, $3) order by notice, version limit $4";
    NEWEST_VERSIONS = "select notice, max(version) from notices where app_id = $1 group by notice \
        order by notice";
    RENEWALS = "select notice, version, created_at from notices where app_id = $1 \
        and requires_renewal order by notice, version";
}

/// A version of a notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// Its name in the data map.
    pub notice: Name,
    /// Its number, from 1.
    pub version: i64,
    /// Its text in each language, as JSON.
    pub texts_json: String,
    /// The SHA-256 digest of the texts.
    pub digest: [u8; 32],
    /// Whether consents under older versions are outdated by it.
    pub requires_renewal: bool,
    /// When it was put.
    pub created_at: Time,
    /// Which client or staff user put it.
    pub created_by: String,
}

/// A version of a notice without its texts, for lists.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeSummary {
    /// Its name in the data map.
    pub notice: Name,
    /// Its number, from 1.
    pub version: i64,
    /// The SHA-256 digest of the texts.
    pub digest: [u8; 32],
    /// Whether consents under older versions are outdated by it.
    pub requires_renewal: bool,
    /// When it was put.
    pub created_at: Time,
    /// Which client or staff user put it.
    pub created_by: String,
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    notice: String,
    version: i64,
    digest: Vec<u8>,
    requires_renewal: bool,
    created_at: i64,
    created_by: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    #[sqlx(flatten)]
    summary: SummaryRow,
    texts: String,
}

fn name(text: String) -> Result<Name> {
    Name::new(text).map_err(|_| StoreError::Damaged("notices.notice"))
}

impl SummaryRow {
    fn read(self) -> Result<NoticeSummary> {
        Ok(NoticeSummary {
            notice: name(self.notice)?,
            version: self.version,
            digest: self.digest.try_into().map_err(|_| StoreError::Damaged("notices.digest"))?,
            requires_renewal: self.requires_renewal,
            created_at: Time(self.created_at),
            created_by: self.created_by,
        })
    }
}

impl Row {
    fn read(self) -> Result<Notice> {
        let summary = self.summary.read()?;
        Ok(Notice {
            notice: summary.notice,
            version: summary.version,
            texts_json: self.texts,
            digest: summary.digest,
            requires_renewal: summary.requires_renewal,
            created_at: summary.created_at,
            created_by: summary.created_by,
        })
    }
}

/// Adds a version of a notice.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has this version.
pub async fn insert(tx: &mut Tx, app: &AppId, new: &Notice) -> Result<()> {
    let args = (
        app,
        &new.notice,
        new.version,
        &new.texts_json,
        &new.digest,
        new.requires_renewal,
        new.created_at,
        &new.created_by,
    );
    tx.execute_one(&INSERT, args).await
}

/// This version of the notice, or the newest one when `version` is none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn get(
    conn: &mut Conn,
    app: &AppId,
    notice: &Name,
    version: Option<i64>,
) -> Result<Option<Notice>> {
    let row = match version {
        Some(version) => conn.optional::<Row>(&GET, (app, notice, version)).await?,
        None => conn.optional::<Row>(&NEWEST, (app, notice)).await?,
    };
    row.map(Row::read).transpose()
}

/// Every version of every notice of the app, by name and version.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(conn: &mut Conn, app: &AppId) -> Result<Vec<NoticeSummary>> {
    let rows = conn.all::<SummaryRow>(&LIST, (app,)).await?;
    rows.into_iter().map(SummaryRow::read).collect()
}

/// At most `limit` versions by name and number, from the one that follows `after`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn page(
    conn: &mut Conn,
    app: &AppId,
    after: Option<(&Name, i64)>,
    limit: i64,
) -> Result<Vec<NoticeSummary>> {
    let (notice, version) = after.map_or(("", 0), |(notice, version)| (notice.as_str(), version));
    let rows = conn.all::<SummaryRow>(&PAGE, (app, notice, version, limit)).await?;
    rows.into_iter().map(SummaryRow::read).collect()
}

/// The number of the newest version of each notice, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn newest_versions(conn: &mut Conn, app: &AppId) -> Result<Vec<(Name, i64)>> {
    let rows = conn.all::<(String, i64)>(&NEWEST_VERSIONS, (app,)).await?;
    rows.into_iter().map(|(notice, version)| Ok((name(notice)?, version))).collect()
}

/// The versions that ask for renewal, by notice and number, and when each was put.
///
/// # Errors
/// When the database does not answer.
pub async fn renewals(conn: &mut Conn, app: &AppId) -> Result<Vec<(Name, i64, Time)>> {
    let rows = conn.all::<(String, i64, i64)>(&RENEWALS, (app,)).await?;
    rows.into_iter().map(|(notice, version, at)| Ok((name(notice)?, version, Time(at)))).collect()
}
