//! Legal holds. A row loses its link to the person when the hold keeps something of one who is
//! erased, and names the request from then on.

use oubli_domain::hold::{HoldScope, LegalGround, ReleaseReason};
use oubli_domain::{AppId, HoldId, Name, RequestId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;
use crate::subjects;

statements! {
    INSERT = "insert into holds (app_id, hold_id, subject_id, category, field, ground, legal_reference, note, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    GET = "select hold_id, subject_id, request_id, category, field, ground, legal_reference, note, created_at, created_by, released_at, released_by, release_reason from holds where app_id = $1 and hold_id = $2";
    LOCK = lite "select hold_id, subject_id, request_id, category, field, ground, legal_reference, note, created_at, created_by, released_at, released_by, release_reason from holds where app_id = $1 and hold_id = $2"
           pg "select hold_id, subject_id, request_id, category, field, ground, legal_reference, note, created_at, created_by, released_at, released_by, release_reason from holds where app_id = $1 and hold_id = $2 for no key update";
    LIST = "select hold_id, subject_id, request_id, category, field, ground, legal_reference, note, created_at, created_by, released_at, released_by, release_reason from holds where app_id = $1 and hold_id > $2 and (released_at is null) in ($3, $4) order by hold_id limit $5";
    LIST_OF_SUBJECT = "select hold_id, subject_id, request_id, category, field, ground, legal_reference, note, created_at, created_by, released_at, released_by, release_reason from holds where app_id = $1 and subject_id = $2 and hold_id > $3 and (released_at is null) in ($4, $5) order by hold_id limit $6";
    STANDING = "select hold_id, category, field, legal_reference from holds where app_id = $1 and subject_id = $2 and released_at is null order by hold_id";
    ANY_STANDING = "select hold_id from holds where app_id = $1 and released_at is null limit 1";
    KEEP = "update holds set subject_id = null, note = null, request_id = $3 where app_id = $1 and hold_id = $2 and released_at is null";
    RELEASE = "update holds set released_at = $3, released_by = $4, release_reason = $5 where app_id = $1 and hold_id = $2 and released_at is null";
}

/// A hold's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// Its id.
    pub hold: HoldId,
    /// Whose data it holds; none once the person was erased.
    pub subject: Option<SubjectId>,
    /// The erasure of which it kept something.
    pub request: Option<RequestId>,
    /// What it covers.
    pub scope: HoldScope,
    /// Why it stands.
    pub ground: LegalGround,
    /// The law or file that it rests on.
    pub legal_reference: String,
    /// What staff wrote about it, sealed under the person's key.
    pub note: Option<Vec<u8>>,
    /// When it was set.
    pub created_at: Time,
    /// Which member of staff set it.
    pub created_by: String,
    /// Its release; none while it stands.
    pub released: Option<Released>,
}

/// The release of a hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Released {
    /// When.
    pub at: Time,
    /// By which member of staff.
    pub by: String,
    /// Why.
    pub reason: ReleaseReason,
}

/// A hold that stands, as far as a write or a plan asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its id.
    pub hold: HoldId,
    /// What it covers.
    pub scope: HoldScope,
    /// The law or file that it rests on.
    pub legal_reference: String,
}

/// Which holds of an app are listed.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Filter {
    /// Those of one subject.
    pub subject: Option<SubjectId>,
    /// Those that stand, or those that were released.
    pub standing: Option<bool>,
}

#[derive(sqlx::FromRow)]
struct Row {
    hold_id: Uuid,
    subject_id: Option<Uuid>,
    request_id: Option<Uuid>,
    category: Option<String>,
    field: Option<String>,
    ground: String,
    legal_reference: String,
    note: Option<Vec<u8>>,
    created_at: i64,
    created_by: String,
    released_at: Option<i64>,
    released_by: Option<String>,
    release_reason: Option<String>,
}

fn read_scope(category: Option<String>, field: Option<String>) -> Result<HoldScope> {
    let name = |text: String| Name::new(text).map_err(|_| StoreError::Damaged("holds.category"));
    Ok(HoldScope { category: category.map(name).transpose()?, field: field.map(name).transpose()? })
}

impl TryFrom<Row> for Hold {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let damaged = StoreError::Damaged;
        let released = match (row.released_at, row.released_by, row.release_reason) {
            (Some(at), Some(by), Some(reason)) => Some(Released {
                at: Time(at),
                by,
                reason: reason.parse().map_err(|_| damaged("holds.release_reason"))?,
            }),
            _ => None,
        };
        Ok(Self {
            hold: HoldId(row.hold_id),
            subject: row.subject_id.map(SubjectId),
            request: row.request_id.map(RequestId),
            scope: read_scope(row.category, row.field)?,
            ground: row.ground.parse().map_err(|_| damaged("holds.ground"))?,
            legal_reference: row.legal_reference,
            note: row.note,
            created_at: Time(row.created_at),
            created_by: row.created_by,
            released,
        })
    }
}

/// Sets a hold on a subject whose row [`subjects::lock_alone`] holds.
///
/// # Errors
/// [`StoreError::RowCount`] when the subject is gone.
pub async fn insert(tx: &mut Tx, app: &AppId, subject: SubjectId, new: &Hold) -> Result<()> {
    let name = |name: &Option<Name>| name.as_ref().map(|name| name.as_str().to_owned());
    let (category, field) = (name(&new.scope.category), name(&new.scope.field));
    let (ground, reference, note) = (new.ground.as_str(), &new.legal_reference, new.note.clone());
    let (at, by) = (new.created_at, &new.created_by);
    let args = (app, new.hold, subject, category, field, ground, reference, note, at, by);
    tx.execute_one(&INSERT, args).await?;
    subjects::add_holds(tx, app, subject, 1).await
}

/// A hold, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, hold: HoldId) -> Result<Option<Hold>> {
    conn.optional::<Row>(&GET, (app, hold)).await?.map(Hold::try_from).transpose()
}

/// A hold that nobody else changes until the transaction ends.
///
/// # Errors
/// When the database does not answer.
pub async fn lock(tx: &mut Tx, app: &AppId, hold: HoldId) -> Result<Option<Hold>> {
    tx.optional::<Row>(&LOCK, (app, hold)).await?.map(Hold::try_from).transpose()
}

/// At most `limit` holds after `after`, in the order of their ids, which is that of their making.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    filter: Filter,
    after: Option<HoldId>,
    limit: i64,
) -> Result<Vec<Hold>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let (one, other) = filter.standing.map_or((true, false), |standing| (standing, standing));
    let rows = match filter.subject {
        Some(subject) => {
            let args = (app, subject, after, one, other, limit);
            conn.all::<Row>(&LIST_OF_SUBJECT, args).await?
        }
        None => conn.all::<Row>(&LIST, (app, after, one, other, limit)).await?,
    };
    rows.into_iter().map(Hold::try_from).collect()
}

/// The holds that stand on a subject, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn standing(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Vec<Standing>> {
    let rows: Vec<(Uuid, Option<String>, Option<String>, String)> =
        conn.all(&STANDING, (app, subject)).await?;
    rows.into_iter()
        .map(|(hold, category, field, legal_reference)| {
            let scope = read_scope(category, field)?;
            Ok(Standing { hold: HoldId(hold), scope, legal_reference })
        })
        .collect()
}

/// Whether any hold stands in an app, also one of which a part of an erased person is kept.
///
/// # Errors
/// When the database does not answer.
pub async fn any_standing(conn: &mut Conn, app: &AppId) -> Result<bool> {
    Ok(conn.optional::<(Uuid,)>(&ANY_STANDING, (app,)).await?.is_some())
}

/// Takes the link to its person, and the note, from a hold that keeps something of one who is erased.
///
/// # Errors
/// [`StoreError::RowCount`] when it does not stand.
pub async fn keep(tx: &mut Tx, app: &AppId, hold: HoldId, request: RequestId) -> Result<()> {
    tx.execute_one(&KEEP, (app, hold, request)).await
}

/// Releases a hold that [`lock`] holds, and counts that on its subject, if it has one, whose row
/// [`subjects::lock_alone`] holds.
///
/// # Errors
/// [`StoreError::RowCount`] when it does not stand.
pub async fn release(tx: &mut Tx, app: &AppId, hold: &Hold, released: &Released) -> Result<()> {
    let args = (app, hold.hold, released.at, &released.by, released.reason.as_str());
    tx.execute_one(&RELEASE, args).await?;
    match hold.subject {
        Some(subject) => subjects::add_holds(tx, app, subject, -1).await,
        None => Ok(()),
    }
}
