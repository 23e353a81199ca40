//! What is kept of records of people who were erased: sealed, linked to the request of the erasure
//! and to nobody.

use std::collections::BTreeSet;

use oubli_domain::record::StoredField;
use oubli_domain::request::KeptItem;
use oubli_domain::{AppId, Day, HoldId, KeptItemId, Name, RecordId, RequestId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::records::{decode, encode};
use crate::statement::statements;

statements! {
    INSERT = "insert into kept_items (app_id, item_id, request_id, category, record_id, fields, kept_by, kept_until, body, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (app_id, item_id) do nothing";
    GET = "select item_id, request_id, category, record_id, fields, kept_by, created_at from kept_items where app_id = $1 and item_id = $2";
    BODY = "select body from kept_items where app_id = $1 and item_id = $2";
    LIST = "select item_id, request_id, category, record_id, fields, kept_by, created_at from kept_items where app_id = $1 and item_id > $2 order by item_id limit $3";
    LIST_OF_REQUEST = "select item_id, request_id, category, record_id, fields, kept_by, created_at from kept_items where app_id = $1 and request_id = $2 and item_id > $3 and kept_by like $4 order by item_id limit $5";
    IDS_OF_REQUEST = "select item_id from kept_items where app_id = $1 and request_id = $2";
    SET_UNTIL = "update kept_items set kept_until = $3 where app_id = $1 and item_id = $2";
    DELETE = "delete from kept_items where app_id = $1 and item_id = $2";
    ENDING = "select app_id, request_id, min(kept_until) from kept_items where kept_until <= $1 group by app_id, request_id order by min(kept_until) limit $2";
}

/// A kept item without its values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its id.
    pub id: KeptItemId,
    /// The erasure that kept it.
    pub request: RequestId,
    /// What it is, and who keeps it.
    pub item: KeptItem,
    /// When it was kept.
    pub created_at: Time,
}

#[derive(sqlx::FromRow)]
struct Row {
    item_id: Uuid,
    request_id: Uuid,
    category: String,
    record_id: String,
    fields: String,
    kept_by: String,
    created_at: i64,
}

impl TryFrom<Row> for Stored {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let damaged = StoreError::Damaged;
        let id = KeptItemId(row.item_id);
        let item = KeptItem {
            item: Some(id),
            category: Name::new(row.category).map_err(|_| damaged("kept_items.category"))?,
            record: RecordId::new(row.record_id).map_err(|_| damaged("kept_items.record_id"))?,
            fields: serde_json::from_str(&row.fields).map_err(|_| damaged("kept_items.fields"))?,
            kept_by: serde_json::from_str(&row.kept_by)
                .map_err(|_| damaged("kept_items.kept_by"))?,
        };
        let (request, created_at) = (RequestId(row.request_id), Time(row.created_at));
        Ok(Self { id, request, item, created_at })
    }
}

/// Adds an item with its sealed fields. One that is there already stays as it is.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, app: &AppId, new: &Stored, sealed: &[StoredField]) -> Result<()> {
    let text = |json: serde_json::Result<String>| {
        json.map_err(|_| StoreError::Damaged("a kept item to be stored"))
    };
    let (item, body) = (&new.item, encode(sealed)?);
    let fields = text(serde_json::to_string(&item.fields))?;
    let kept_by = text(serde_json::to_string(&item.kept_by))?;
    let (category, record, until) = (&item.category, &item.record, item.until());
    let (id, request, at) = (new.id, new.request, new.created_at);
    let args = (app, id, request, category, record, fields, kept_by, until, body, at);
    tx.execute(&INSERT, args).await.map(drop)
}

/// An item, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, item: KeptItemId) -> Result<Option<Stored>> {
    conn.optional::<Row>(&GET, (app, item)).await?.map(Stored::try_from).transpose()
}

/// The sealed fields of an item, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn body(
    conn: &mut Conn,
    app: &AppId,
    item: KeptItemId,
) -> Result<Option<Vec<StoredField>>> {
    let row: Option<(Vec<u8>,)> = conn.optional(&BODY, (app, item)).await?;
    row.map(|(body,)| decode(&body)).transpose()
}

/// At most `limit` items of an app after `after`, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    after: Option<KeptItemId>,
    limit: i64,
) -> Result<Vec<Stored>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = conn.all::<Row>(&LIST, (app, after, limit)).await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// The same of one request; those alone that a hold keeps when it is given.
///
/// # Errors
/// When the database does not answer.
pub async fn list_of_request(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
    hold: Option<HoldId>,
    after: Option<KeptItemId>,
    limit: i64,
) -> Result<Vec<Stored>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    // Who keeps an item stands in it as JSON, with the hold's id in quotes.
    let kept_by = hold.map_or("%".to_owned(), |hold| format!("%\"{hold}\"%"));
    let rows = conn.all::<Row>(&LIST_OF_REQUEST, (app, request, after, kept_by, limit)).await?;
    rows.into_iter().map(Stored::try_from).collect()
}

/// The ids of all items of a request.
///
/// # Errors
/// When the database does not answer.
pub async fn ids_of_request(
    conn: &mut Conn,
    app: &AppId,
    request: RequestId,
) -> Result<BTreeSet<KeptItemId>> {
    let rows: Vec<(Uuid,)> = conn.all(&IDS_OF_REQUEST, (app, request)).await?;
    Ok(rows.into_iter().map(|(id,)| KeptItemId(id)).collect())
}

/// Sets the day after which nothing keeps an item any more.
///
/// # Errors
/// [`StoreError::RowCount`] when it is gone.
pub async fn set_until(tx: &mut Tx, app: &AppId, item: KeptItemId, until: Day) -> Result<()> {
    tx.execute_one(&SET_UNTIL, (app, item, until)).await
}

/// Deletes an item; false when it is gone.
///
/// # Errors
/// When the database does not answer.
pub async fn delete(tx: &mut Tx, app: &AppId, item: KeptItemId) -> Result<bool> {
    Ok(tx.execute(&DELETE, (app, item)).await? == 1)
}

/// At most `limit` requests, of any app, of which an item is kept until `day` or an earlier one, each
/// with the earliest of these days.
///
/// # Errors
/// When the database does not answer.
pub async fn ending(conn: &mut Conn, day: Day, limit: i64) -> Result<Vec<(AppId, RequestId, Day)>> {
    let rows: Vec<(String, Uuid, i32)> = conn.all(&ENDING, (day, limit)).await?;
    rows.into_iter()
        .map(|(app, request, day)| {
            let app = AppId::new(app).map_err(|_| StoreError::Damaged("kept_items.app_id"))?;
            Ok((app, RequestId(request), Day(day)))
        })
        .collect()
}
