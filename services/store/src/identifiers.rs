//! The identifiers of a subject as typed, encrypted. They are found by the blind indexes in `keys`.

use std::collections::BTreeMap;

use oubli_domain::identifier::IdentifierType;
use oubli_domain::{AppId, IdentifierId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::statement::statements;

statements! {
    LIST = "select identifier_id, type, sealed, created_at from identifiers where app_id = $1 and subject_id = $2 order by identifier_id";
    EXISTS = "select identifier_id from identifiers where app_id = $1 and subject_id = $2 and identifier_id = $3";
    COUNT_BY_TYPE = "select type, count(*) from (select type from identifiers where app_id = $1 limit $2) as looked_at group by type";
    DELETE = "delete from identifiers where app_id = $1 and subject_id = $2 and identifier_id = $3";
}

inserts! {
    INSERT = "identifiers" (app_id text, subject_id uuid, identifier_id uuid, type text, sealed bytea, created_at bigint);
}

/// One identifier, sealed under the subject's data key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedIdentifier {
    /// Its id.
    pub identifier: IdentifierId,
    /// Its type.
    pub kind: IdentifierType,
    /// The value as typed, encrypted.
    pub sealed: Vec<u8>,
    /// When it was added.
    pub created_at: Time,
}

#[derive(sqlx::FromRow)]
struct Row {
    identifier_id: Uuid,
    #[sqlx(rename = "type")]
    kind: String,
    sealed: Vec<u8>,
    created_at: i64,
}

impl TryFrom<Row> for SealedIdentifier {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            identifier: IdentifierId(row.identifier_id),
            kind: row.kind.parse().map_err(|_| StoreError::Damaged("identifiers.type"))?,
            sealed: row.sealed,
            created_at: Time(row.created_at),
        })
    }
}

/// Adds an identifier to a subject that is locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when its id is there.
pub async fn insert(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    new: &SealedIdentifier,
) -> Result<()> {
    insert_many(tx, app, [(subject, new)]).await
}

/// Adds identifiers to subjects that are new or locked.
///
/// # Errors
/// [`StoreError::Duplicate`] when the id of one is there.
pub async fn insert_many(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = (SubjectId, &SealedIdentifier)>,
) -> Result<()> {
    let rows = new.into_iter().map(|(subject, new)| {
        (app, subject, new.identifier, new.kind.as_str(), &new.sealed, new.created_at)
    });
    INSERT.all(tx, rows.collect()).await
}

/// A subject's identifiers, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
) -> Result<Vec<SealedIdentifier>> {
    let rows = conn.all::<Row>(&LIST, (app, subject)).await?;
    rows.into_iter().map(SealedIdentifier::try_from).collect()
}

/// Whether a subject has an identifier.
///
/// # Errors
/// When the database does not answer.
pub async fn exists(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<bool> {
    let row: Option<(Uuid,)> = conn.optional(&EXISTS, (app, subject, identifier)).await?;
    Ok(row.is_some())
}

/// How many identifiers an app has of each type, among the first `most` that are found.
///
/// # Errors
/// When the database does not answer.
pub async fn count_by_type(
    conn: &mut Conn,
    app: &AppId,
    most: u64,
) -> Result<BTreeMap<IdentifierType, u64>> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows: Vec<(String, i64)> = conn.all(&COUNT_BY_TYPE, (app, most)).await?;
    rows.into_iter()
        .map(|(kind, count)| {
            let kind = kind.parse().map_err(|_| StoreError::Damaged("identifiers.type"))?;
            Ok((kind, count.unsigned_abs()))
        })
        .collect()
}

/// Removes one; false when the subject has no such identifier.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<bool> {
    Ok(tx.execute(&DELETE, (app, subject, identifier)).await? == 1)
}
