//! The history of records: who changed which fields when, without values.

use oubli_domain::{AppId, Name, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::records::{RecordKey, stale_when_there};
use crate::statement::statements;

statements! {
    VERSIONS = "select version, at, actor, action, changed from record_versions where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4 and version > $5 order by version limit $6";
}

inserts! {
    INSERT_VERSION = "record_versions" (app_id text, subject_id uuid, category text, record_id text, version bigint, at bigint, actor text, action text, changed text);
}

/// What was done to a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// It was put for the first time, or again after a deletion.
    Created,
    /// It was put or patched.
    Updated,
    /// It was deleted.
    Deleted,
}

impl Change {
    /// As stored and as written in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        [Self::Created, Self::Updated, Self::Deleted]
            .into_iter()
            .find(|change| change.as_str() == text)
            .ok_or(StoreError::Damaged("record_versions.action"))
    }
}

/// One version of a record, without values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Version {
    /// Its number.
    pub version: i64,
    /// When it was made.
    pub at: Time,
    /// Which client or staff user made it.
    pub actor: String,
    /// What was done.
    pub change: Change,
    /// The fields that changed.
    pub changed: Vec<Name>,
}

/// Names as one column.
pub(crate) fn names(names: &[Name]) -> String {
    let names: Vec<&str> = names.iter().map(Name::as_str).collect();
    names.join(" ")
}

/// Adds a version to the history.
///
/// # Errors
/// [`StoreError::Stale`] when another transaction made the same version.
pub async fn insert_version(
    tx: &mut Tx,
    app: &AppId,
    key: &RecordKey,
    new: &Version,
) -> Result<()> {
    insert_versions(tx, app, [(key, new)]).await
}

/// Adds versions to the histories of records.
///
/// # Errors
/// [`StoreError::Stale`] when another transaction made one of the same versions.
pub async fn insert_versions(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = (&RecordKey, &Version)>,
) -> Result<()> {
    let rows = new.into_iter().map(|(key, new)| {
        let (subject, category, record) = (key.subject, &key.category, &key.record);
        let (version, at, actor) = (new.version, new.at, new.actor.as_str());
        let (action, changed) = (new.change.as_str(), names(&new.changed));
        (app, subject, category, record, version, at, actor, action, changed)
    });
    stale_when_there(INSERT_VERSION.all(tx, rows.collect()).await)
}

/// The versions of a record after `after`, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn versions(
    conn: &mut Conn,
    app: &AppId,
    key: &RecordKey,
    after: i64,
    limit: i64,
) -> Result<Vec<Version>> {
    let args = (app, key.subject, &key.category, &key.record, after, limit);
    let rows: Vec<(i64, i64, String, String, String)> = conn.all(&VERSIONS, args).await?;
    rows.into_iter()
        .map(|(version, at, actor, action, changed)| {
            let changed = changed
                .split_ascii_whitespace()
                .map(Name::new)
                .collect::<std::result::Result<_, _>>()
                .map_err(|_| StoreError::Damaged("record_versions.changed"))?;
            Ok(Version { version, at: Time(at), actor, change: Change::parse(&action)?, changed })
        })
        .collect()
}
