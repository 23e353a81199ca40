//! Blind indexes: which subject an identifier belongs to, without the identifier.

use oubli_domain::identifier::IdentifierType;
use oubli_domain::{AppId, ClaimId, IdentifierId, SubjectId, Time};
use uuid::Uuid;

use super::key_sets::Held;
use super::{PendingClaim, list_claims, pending_claims};
use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    FIND = "select subject_id, identifier_id, claim_id, live, created_at from blind_indexes where app_id = $1 and type = $2 and version = $3 and value = $4";
    FIND_MANY [anew] = lite "select value, subject_id, identifier_id, claim_id, live, created_at from blind_indexes where app_id = $1 and type = $2 and version = $3 and value in (select unhex(value) from json_each($4))"
                pg "select value, subject_id, identifier_id, claim_id, live, created_at from blind_indexes where app_id = $1 and type = $2 and version = $3 and value = any(array(select decode(value, 'hex') from jsonb_array_elements_text(cast(cast($4 as text) as jsonb))))";
    MAKE_LIVE_MANY [anew] = lite "update blind_indexes set live = $2 where app_id = $1 and subject_id in (select unhex(value) from json_each($3)) and claim_id in (select unhex(value) from json_each($4))"
                     pg "update blind_indexes set live = $2 where app_id = $1 and subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($3 as text) as jsonb)))) and claim_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($4 as text) as jsonb))))";
    MAKE_LIVE = "update blind_indexes set live = $3 where app_id = $1 and subject_id = $2 and claim_id = $4";
    MAKE_PENDING = "update blind_indexes set live = $4, created_at = $5 where app_id = $1 and subject_id = $2 and identifier_id = $3";
    PENDING_OF = "select identifier_id from blind_indexes where app_id = $1 and subject_id = $2 and claim_id = $3 and live = $4";
    DELETE_PENDING = "delete from blind_indexes where app_id = $1 and subject_id = $2 and claim_id = $3 and live = $4";
    DELETE_IDENTIFIER = "delete from blind_indexes where app_id = $1 and subject_id = $2 and identifier_id = $3";
    VALUES_OF = "select value from blind_indexes where app_id = $1 and subject_id = $2 order by type, version, value";
    COUNTS = "select app_id, type, version, count(*) from blind_indexes group by app_id, type, version order by app_id, type, version";
    WITHOUT = "select value, subject_id, identifier_id, claim_id, live, created_at from blind_indexes o where app_id = $1 and type = $2 and version = $3 and value > $5 and not exists (select 1 from blind_indexes n where n.app_id = $1 and n.subject_id = o.subject_id and n.identifier_id = o.identifier_id and n.version = $4) order by value limit $6";
    // Changes nothing, and yet meets every other write to the row: whoever deletes it meanwhile
    // starts over and finds what was copied from it.
    TOUCH = "update blind_indexes set live = live where app_id = $1 and type = $2 and version = $3 and value = $4 and identifier_id = $5";
    COPY = "insert into blind_indexes (app_id, type, version, value, subject_id, identifier_id, claim_id, live, created_at) select app_id, type, $5, $6, subject_id, identifier_id, claim_id, live, created_at from blind_indexes where app_id = $1 and type = $2 and version = $3 and value = $4 on conflict (app_id, type, version, value) do nothing";
    DELETE_OLDER = lite "delete from blind_indexes where rowid in (select rowid from blind_indexes where app_id = $1 and type = $2 and version < $3 limit 500)"
                   pg "delete from blind_indexes where app_id = $1 and ctid in (select ctid from blind_indexes where app_id = $1 and type = $2 and version < $3 limit 500)";
    PENDING = "select distinct app_id, subject_id, claim_id from blind_indexes where live = $1 and (created_at <= $2 or created_at > $3) limit $4";
}

inserts! {
    INSERT = "blind_indexes" (app_id text, type text, version bigint, value bytea, subject_id uuid, identifier_id uuid, claim_id uuid, live boolean, created_at bigint);
}

/// One identifier's blind index.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlindIndex {
    /// The identifier's type.
    pub kind: IdentifierType,
    /// The version of the index key.
    pub version: i64,
    /// HMAC of the normalised identifier.
    pub value: [u8; 32],
}

/// What a blind index points to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owner {
    /// The subject.
    pub subject: SubjectId,
    /// The identifier.
    pub identifier: IdentifierId,
    /// The claim under which it was made.
    pub claim: ClaimId,
    /// Whether the claim was kept.
    pub live: bool,
    /// When it was made.
    pub created_at: Time,
}

#[derive(sqlx::FromRow)]
struct Row {
    subject_id: Uuid,
    identifier_id: Uuid,
    claim_id: Uuid,
    live: bool,
    created_at: i64,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    value: Vec<u8>,
    #[sqlx(flatten)]
    owner: Row,
}

impl FoundRow {
    fn read(self) -> Result<([u8; 32], Owner)> {
        let value = self.value.try_into();
        Ok((value.map_err(|_| StoreError::Damaged("blind_indexes.value"))?, self.owner.into()))
    }
}

impl From<Row> for Owner {
    fn from(row: Row) -> Self {
        Self {
            subject: SubjectId(row.subject_id),
            identifier: IdentifierId(row.identifier_id),
            claim: ClaimId(row.claim_id),
            live: row.live,
            created_at: Time(row.created_at),
        }
    }
}

/// Adds a blind index.
///
/// # Errors
/// [`StoreError::Duplicate`] when the identifier belongs to somebody, also by a pending claim.
pub async fn insert(tx: &mut Tx, held: &Held, index: &BlindIndex, owner: &Owner) -> Result<()> {
    insert_many(tx, held, [(index, *owner)]).await
}

/// Adds blind indexes.
///
/// # Errors
/// [`StoreError::Duplicate`] when one of the identifiers belongs to somebody, also by a pending
/// claim.
pub async fn insert_many(
    tx: &mut Tx,
    held: &Held,
    new: impl IntoIterator<Item = (&BlindIndex, Owner)>,
) -> Result<()> {
    let app = held.app();
    let rows = new.into_iter().map(|(index, owner)| {
        let (kind, version, value) = (index.kind.as_str(), index.version, &index.value);
        let (subject, identifier, claim) = (owner.subject, owner.identifier, owner.claim);
        let (live, at) = (owner.live, owner.created_at);
        (app, kind, version, value, subject, identifier, claim, live, at)
    });
    INSERT.all(tx, rows.collect()).await
}

/// Whom an identifier belongs to.
///
/// # Errors
/// When the database does not answer.
pub async fn find(conn: &mut Conn, app: &AppId, index: &BlindIndex) -> Result<Option<Owner>> {
    let args = (app, index.kind.as_str(), index.version, &index.value);
    let row: Option<Row> = conn.optional(&FIND, args).await?;
    Ok(row.map(Owner::from))
}

/// Whom these blind indexes of one type and version belong to; those that nobody has are left out.
///
/// # Errors
/// When the database does not answer.
pub async fn find_many(
    conn: &mut Conn,
    app: &AppId,
    kind: IdentifierType,
    version: i64,
    values: &[[u8; 32]],
) -> Result<Vec<([u8; 32], Owner)>> {
    let list = lists::of_bytes(values.iter().map(<[u8; 32]>::as_slice));
    let rows: Vec<FoundRow> = conn.all(&FIND_MANY, (app, kind.as_str(), version, list)).await?;
    rows.into_iter().map(FoundRow::read).collect()
}

/// How many indexes there are of each app, type and version.
///
/// # Errors
/// When the database does not answer.
pub async fn counts(conn: &mut Conn) -> Result<Vec<(String, String, i64, i64)>> {
    conn.all(&COUNTS, ()).await
}

/// At most `limit` indexes of version `old` whose identifier has none of version `new`, by value,
/// from the one that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn without_version(
    conn: &mut Conn,
    app: &AppId,
    kind: IdentifierType,
    (old, new): (i64, i64),
    after: &[u8],
    limit: i64,
) -> Result<Vec<([u8; 32], Owner)>> {
    let args = (app, kind.as_str(), old, new, after, limit);
    let rows: Vec<FoundRow> = conn.all(&WITHOUT, args).await?;
    rows.into_iter().map(FoundRow::read).collect()
}

/// What became of a [`copy`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Copied {
    /// The identifier has both versions now.
    Done,
    /// The identifier went meanwhile; nothing was written.
    Gone,
    /// The new index belongs to another identifier; nothing was written.
    Taken,
}

/// Adds the index `new` for the identifier that `old` belongs to, as live or pending as that.
///
/// # Errors
/// When the database does not answer.
pub async fn copy(
    tx: &mut Tx,
    held: &Held,
    old: &BlindIndex,
    identifier: IdentifierId,
    new: &BlindIndex,
) -> Result<Copied> {
    let (app, kind) = (held.app(), old.kind.as_str());
    let touch = (app, kind, old.version, &old.value, identifier);
    if tx.execute(&TOUCH, touch).await? == 0 {
        return Ok(Copied::Gone);
    }
    let args = (app, kind, old.version, &old.value, new.version, &new.value);
    let inserted = tx.execute(&COPY, args).await? == 1;
    Ok(if inserted { Copied::Done } else { Copied::Taken })
}

/// Deletes up to 500 indexes of a type whose version is below `version`, and gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_older(
    tx: &mut Tx,
    app: &AppId,
    kind: IdentifierType,
    version: i64,
) -> Result<u64> {
    tx.execute(&DELETE_OLDER, (app, kind.as_str(), version)).await
}

/// Marks the indexes of a kept claim as live.
///
/// # Errors
/// When the database does not answer.
pub async fn make_live(tx: &mut Tx, app: &AppId, subject: SubjectId, claim: ClaimId) -> Result<()> {
    tx.execute(&MAKE_LIVE, (app, subject, true, claim)).await.map(drop)
}

/// Marks the indexes of kept claims as live. A claim is of one subject alone, so that two lists tell
/// the pairs.
///
/// # Errors
/// When the database does not answer.
pub async fn make_live_many(tx: &mut Tx, app: &AppId, kept: &[(SubjectId, ClaimId)]) -> Result<()> {
    let (subjects, claims) = list_claims(kept);
    tx.execute(&MAKE_LIVE_MANY, (app, true, subjects, claims)).await.map(drop)
}

/// Marks the indexes of an identifier as pending from `at` on: whether they count is then asked of
/// `data`, which is how an identifier is removed from two databases.
///
/// # Errors
/// When the database does not answer.
pub async fn make_pending(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    identifier: IdentifierId,
    at: Time,
) -> Result<()> {
    tx.execute(&MAKE_PENDING, (app, subject, identifier, false, at)).await.map(drop)
}

/// The identifiers whose indexes are pending under a claim.
///
/// # Errors
/// When the database does not answer.
pub async fn pending_of(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<Vec<IdentifierId>> {
    let rows: Vec<(Uuid,)> = conn.all(&PENDING_OF, (app, subject, claim, false)).await?;
    Ok(rows.into_iter().map(|(id,)| IdentifierId(id)).collect())
}

/// Deletes the pending indexes of an abandoned claim.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_pending(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    claim: ClaimId,
) -> Result<()> {
    tx.execute(&DELETE_PENDING, (app, subject, claim, false)).await.map(drop)
}

/// Deletes the indexes of one identifier, whatever their version.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_identifier(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<()> {
    tx.execute(&DELETE_IDENTIFIER, (app, subject, identifier)).await.map(drop)
}

/// Every blind index that points to a subject, of whatever type and version.
///
/// # Errors
/// When the database does not answer.
pub async fn values_of(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<Vec<u8>>> {
    let rows: Vec<(Vec<u8>,)> = conn.all(&VALUES_OF, (app, subject)).await?;
    Ok(rows.into_iter().map(|(value,)| value).collect())
}

/// Claims with pending indexes made at or before `before`, over all apps, and those that say they were
/// made after `latest`: before the clock stepped back.
///
/// # Errors
/// When the database does not answer.
pub async fn pending(
    conn: &mut Conn,
    before: Time,
    latest: Time,
    limit: i64,
) -> Result<Vec<PendingClaim>> {
    pending_claims(conn.all(&PENDING, (false, before, latest, limit)).await?)
}
