//! Records: the current value of each as one row, and the history of who changed what when.

use std::collections::{BTreeSet, HashMap};

use oubli_domain::record::StoredField;
use oubli_domain::{AppId, Day, Name, RecordId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::inserts::inserts;
use crate::lists;
use crate::statement::statements;

statements! {
    INSERT = "insert into records (app_id, subject_id, category, record_id, version, created_at, updated_at, clock_start, body) select $1, $2, $3, $4, $5, $6, $7, $8, $9 from apps where app_id = $1 and data_map_version = $10";
    MAP_IN_FORCE = "select 1 from apps where app_id = $1 and data_map_version = $2";
    UPDATE = "update records set version = $5, updated_at = $6, clock_start = $7, body = $8 where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4 and version = $5 - 1 and exists (select 1 from apps where app_id = $1 and data_map_version = $9)";
    DELETE = "delete from records where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4 and version = $5";
    GET = "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4";
    PAGE = "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and subject_id = $2 and (category, record_id) > ($3, $4) order by category, record_id limit $5";
    PAGE_OF_CATEGORY = "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and category = $2 and (subject_id, record_id) > ($3, $4) order by subject_id, record_id limit $5";
    PAGE_OF_CATEGORIES = lite "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and subject_id = $2 and category in (select value from json_each($3)) and (category, record_id) > ($4, $5) order by category, record_id limit $6"
                         pg "select subject_id, category, record_id, version, created_at, updated_at, clock_start, body from records where app_id = $1 and subject_id = $2 and category = any(array(select value from jsonb_array_elements_text(cast(cast($3 as text) as jsonb)))) and (category, record_id) > ($4, $5) order by category, record_id limit $6";
    SET_CLOCK_START = "update records set clock_start = $4 where app_id = $1 and subject_id = $2 and category = $3";
    COUNTS = "select category, count(*) from records where app_id = $1 and subject_id = $2 group by category order by category";
    LAST_VERSION = "select max(version) from record_versions where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4";
    LAST_VERSIONS [anew] = lite "select v.subject_id, v.category, v.record_id, max(v.version), exists (select 1 from records r where r.app_id = v.app_id and r.subject_id = v.subject_id and r.category = v.category and r.record_id = v.record_id) from record_versions v where v.app_id = $1 and v.subject_id in (select unhex(value) from json_each($2)) and v.record_id in (select value from json_each($3)) group by v.app_id, v.subject_id, v.category, v.record_id"
                    pg "select v.subject_id, v.category, v.record_id, max(v.version), exists (select 1 from records r where r.app_id = v.app_id and r.subject_id = v.subject_id and r.category = v.category and r.record_id = v.record_id) from record_versions v where v.app_id = $1 and v.subject_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)))) and v.record_id = any(array(select value from jsonb_array_elements_text(cast(cast($3 as text) as jsonb)))) group by v.app_id, v.subject_id, v.category, v.record_id";
}

inserts! {
    INSERT_MANY = "records" (app_id text, subject_id uuid, category text, record_id text, version bigint, created_at bigint, updated_at bigint, clock_start integer, body bytea);
}

/// Where a record is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct RecordKey {
    /// Whose.
    pub subject: SubjectId,
    /// Its category.
    pub category: Name,
    /// Its id within subject and category.
    pub record: RecordId,
}

/// A record's current row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredRecord {
    /// Where it is.
    pub key: RecordKey,
    /// From 1; goes on counting when a deleted record is put again.
    pub version: i64,
    /// When this record was first put (again).
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// The day on which its retention clock starts.
    pub clock_start: Option<Day>,
    /// Its fields, encrypted.
    pub fields: Vec<StoredField>,
}

#[derive(sqlx::FromRow)]
struct Row {
    subject_id: Uuid,
    category: String,
    record_id: String,
    version: i64,
    created_at: i64,
    updated_at: i64,
    clock_start: Option<i32>,
    body: Vec<u8>,
}

impl TryFrom<Row> for StoredRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            key: RecordKey {
                subject: SubjectId(row.subject_id),
                category: Name::new(row.category)
                    .map_err(|_| StoreError::Damaged("records.category"))?,
                record: RecordId::new(row.record_id)
                    .map_err(|_| StoreError::Damaged("records.record_id"))?,
            },
            version: row.version,
            created_at: Time(row.created_at),
            updated_at: Time(row.updated_at),
            clock_start: row.clock_start.map(Day),
            fields: decode(&row.body)?,
        })
    }
}

pub(crate) fn decode(body: &[u8]) -> Result<Vec<StoredField>> {
    postcard::from_bytes(body).map_err(|_| StoreError::Damaged("records.body"))
}

pub(crate) fn encode(fields: &[StoredField]) -> Result<Vec<u8>> {
    postcard::to_allocvec(fields).map_err(|_| StoreError::Damaged("fields to be stored"))
}

/// Adds a record at `record.version`, validated by the data map of version `map`.
///
/// # Errors
/// [`StoreError::Stale`] when it is there, or another data map is in force in the transaction.
pub async fn insert(tx: &mut Tx, app: &AppId, record: &StoredRecord, map: i64) -> Result<()> {
    let (key, body) = (&record.key, encode(&record.fields)?);
    let (version, created_at, updated_at) = (record.version, record.created_at, record.updated_at);
    let (category, name, start) = (&key.category, &key.record, record.clock_start);
    let args =
        (app, key.subject, category, name, version, created_at, updated_at, start, body, map);
    match tx.execute(&INSERT, args).await {
        Ok(1) => Ok(()),
        Ok(_) | Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
        Err(error) => Err(error),
    }
}

/// Adds records, each at its version, validated by the data map of version `map`.
///
/// # Errors
/// [`StoreError::Stale`] when one of them is there, or another data map is in force in the
/// transaction.
pub async fn insert_many(
    tx: &mut Tx,
    app: &AppId,
    new: impl IntoIterator<Item = &StoredRecord>,
    map: i64,
) -> Result<()> {
    let mut rows = Vec::new();
    for record in new {
        let (key, body) = (&record.key, encode(&record.fields)?);
        let (created_at, updated_at) = (record.created_at, record.updated_at);
        let (subject, category, name) = (key.subject, &key.category, &key.record);
        let (version, start) = (record.version, record.clock_start);
        rows.push((app, subject, category, name, version, created_at, updated_at, start, body));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let in_force: Option<(i32,)> = tx.optional(&MAP_IN_FORCE, (app, map)).await?;
    if in_force.is_none() {
        return Err(StoreError::Stale);
    }
    stale_when_there(INSERT_MANY.all(tx, rows).await)
}

/// A row that is there came from a transaction of which this one knew nothing.
pub(crate) fn stale_when_there(inserted: Result<()>) -> Result<()> {
    match inserted {
        Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
        done => done,
    }
}

/// Replaces the row of version `record.version - 1` by one validated by the data map of version
/// `map`.
///
/// # Errors
/// [`StoreError::Stale`] when another transaction changed the record since it was read, or another
/// data map is in force in the transaction.
pub async fn update(tx: &mut Tx, app: &AppId, record: &StoredRecord, map: i64) -> Result<()> {
    let key = &record.key;
    let body = encode(&record.fields)?;
    let (version, updated_at) = (record.version, record.updated_at);
    let (category, name, start) = (&key.category, &key.record, record.clock_start);
    let args = (app, key.subject, category, name, version, updated_at, start, body, map);
    match tx.execute(&UPDATE, args).await? {
        1 => Ok(()),
        _ => Err(StoreError::Stale),
    }
}

/// Deletes the row of `version`.
///
/// # Errors
/// [`StoreError::Stale`] when another transaction changed the record since it was read.
pub async fn delete(tx: &mut Tx, app: &AppId, key: &RecordKey, version: i64) -> Result<()> {
    let args = (app, key.subject, &key.category, &key.record, version);
    match tx.execute(&DELETE, args).await? {
        1 => Ok(()),
        _ => Err(StoreError::Stale),
    }
}

/// A record, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, key: &RecordKey) -> Result<Option<StoredRecord>> {
    let args = (app, key.subject, &key.category, &key.record);
    conn.optional::<Row>(&GET, args).await?.map(StoredRecord::try_from).transpose()
}

/// A subject's records after `after`, in the order of category and id.
///
/// # Errors
/// When the database does not answer.
pub async fn page(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    after: Option<&RecordKey>,
    limit: i64,
) -> Result<Vec<StoredRecord>> {
    let (category, record) =
        after.map_or(("", ""), |key| (key.category.as_str(), key.record.as_str()));
    let rows = conn.all::<Row>(&PAGE, (app, subject, category, record, limit)).await?;
    rows.into_iter().map(StoredRecord::try_from).collect()
}

/// A subject's records of these categories after `after` (a category and a record id), in the order
/// of category and id.
///
/// # Errors
/// When the database does not answer.
pub async fn page_of_categories(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    categories: impl IntoIterator<Item = &Name>,
    after: Option<(&Name, &RecordId)>,
    limit: i64,
) -> Result<Vec<StoredRecord>> {
    let (category, record) = after.map_or(("", ""), |(c, r)| (c.as_str(), r.as_str()));
    let args = (app, subject, lists::of_names(categories), category, record, limit);
    let rows = conn.all::<Row>(&PAGE_OF_CATEGORIES, args).await?;
    rows.into_iter().map(StoredRecord::try_from).collect()
}

/// Sets the day on which retention starts to count for all records of a category, of a subject that
/// is locked.
///
/// # Errors
/// When the database does not answer.
pub async fn set_clock_start(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    category: &Name,
    day: Day,
) -> Result<()> {
    tx.execute(&SET_CLOCK_START, (app, subject, category, day)).await.map(drop)
}

/// The records of a category after `after`, over all subjects.
///
/// # Errors
/// When the database does not answer.
pub async fn page_of_category(
    conn: &mut Conn,
    app: &AppId,
    category: &Name,
    after: Option<&RecordKey>,
    limit: i64,
) -> Result<Vec<StoredRecord>> {
    let (subject, record) =
        after.map_or((Uuid::nil(), ""), |key| (key.subject.0, key.record.as_str()));
    let rows = conn.all::<Row>(&PAGE_OF_CATEGORY, (app, category, subject, record, limit)).await?;
    rows.into_iter().map(StoredRecord::try_from).collect()
}

/// How many records a subject has in each category.
///
/// # Errors
/// When the database does not answer.
pub async fn counts(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<(Name, u64)>> {
    let rows: Vec<(String, i64)> = conn.all(&COUNTS, (app, subject)).await?;
    rows.into_iter()
        .map(|(category, count)| {
            let name = Name::new(category).map_err(|_| StoreError::Damaged("records.category"))?;
            Ok((name, count.unsigned_abs()))
        })
        .collect()
}

/// The highest version number that a record ever had; 0 for none.
///
/// # Errors
/// When the database does not answer.
pub async fn last_version(conn: &mut Conn, app: &AppId, key: &RecordKey) -> Result<i64> {
    let args = (app, key.subject, &key.category, &key.record);
    let (last,): (Option<i64>,) = conn.one(&LAST_VERSION, args).await?;
    Ok(last.unwrap_or(0))
}

/// What is known of a place in which no body is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PlaceState {
    /// The highest version number that a record there ever had.
    pub last_version: i64,
    /// Whether a record is there.
    pub there: bool,
}

/// Which of these places ever had a record, in one query.
///
/// # Errors
/// When the database does not answer.
pub async fn places(
    conn: &mut Conn,
    app: &AppId,
    keys: &[&RecordKey],
) -> Result<HashMap<RecordKey, PlaceState>> {
    let subjects: BTreeSet<SubjectId> = keys.iter().map(|key| key.subject).collect();
    let records: BTreeSet<&RecordId> = keys.iter().map(|key| &key.record).collect();
    let subjects = lists::of_bytes(subjects.iter().map(|id| id.0.as_bytes().as_slice()));
    let args = (app, subjects, lists::of_record_ids(records));
    let rows: Vec<(Uuid, String, String, i64, bool)> = conn.all(&LAST_VERSIONS, args).await?;
    rows.into_iter()
        .map(|(subject, category, record, last_version, there)| {
            let key = RecordKey {
                subject: SubjectId(subject),
                category: Name::new(category)
                    .map_err(|_| StoreError::Damaged("record_versions.category"))?,
                record: RecordId::new(record)
                    .map_err(|_| StoreError::Damaged("record_versions.record_id"))?,
            };
            Ok((key, PlaceState { last_version, there }))
        })
        .collect()
}
