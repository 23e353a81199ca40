//! Data subject requests. The row outlives the subject: an erasure only cuts its link.

use oubli_domain::request::{RequestScope, RequestState, Right, Step};
use oubli_domain::{AppId, RequestId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into requests (app_id, request_id, subject_id, kind, state, step, scope, received_at, created_at, created_by, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)";
    GET = "select request_id, subject_id, kind, state, step, scope, reason, outcome, received_at, created_at, created_by, updated_at, completed_at from requests where app_id = $1 and request_id = $2";
    LIST = "select request_id, subject_id, kind, state, step, scope, reason, outcome, received_at, created_at, created_by, updated_at, completed_at from requests where app_id = $1 and request_id > $2 order by request_id limit $3";
    LIST_OF_SUBJECT = "select request_id, subject_id, kind, state, step, scope, reason, outcome, received_at, created_at, created_by, updated_at, completed_at from requests where app_id = $1 and subject_id = $2 and request_id > $3 order by request_id limit $4";
    ADVANCE = "update requests set state = $4, step = $5, outcome = coalesce($6, outcome), updated_at = $7, completed_at = $8 where app_id = $1 and request_id = $2 and step = $3";
    FAIL = "update requests set state = $3, reason = $4, updated_at = $5 where app_id = $1 and request_id = $2";
    CANCEL_OPEN = "update requests set state = $4, reason = $5, updated_at = $6 where app_id = $1 and subject_id = $2 and request_id <> $3 and state not in ($4, $7)";
    UNLINK = "update requests set subject_id = null where app_id = $1 and subject_id = $2";
}

/// A request's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// Its id.
    pub request: RequestId,
    /// Whose it is; none once the person was erased.
    pub subject: Option<SubjectId>,
    /// What is asked for.
    pub right: Right,
    /// Where it stands.
    pub state: RequestState,
    /// The last step its job has done.
    pub step: Step,
    /// What it covers.
    pub scope: RequestScope,
    /// Why it failed: a code, never text.
    pub reason: Option<String>,
    /// What its job found, as JSON of ids and counts.
    pub outcome: Option<String>,
    /// When the controller received it: the clock of Art. 12(3) starts here.
    pub received_at: Time,
    /// When the service learned of it.
    pub created_at: Time,
    /// Which client or staff user made it.
    pub created_by: String,
    /// When it last changed.
    pub updated_at: Time,
    /// When it was completed.
    pub completed_at: Option<Time>,
}

#[derive(sqlx::FromRow)]
struct Row {
    request_id: Uuid,
    subject_id: Option<Uuid>,
    kind: String,
    state: String,
    step: String,
    scope: String,
    reason: Option<String>,
    outcome: Option<String>,
    received_at: i64,
    created_at: i64,
    created_by: String,
    updated_at: i64,
    completed_at: Option<i64>,
}

impl TryFrom<Row> for Request {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self> {
        let damaged = StoreError::Damaged;
        let right: Right = row.kind.parse().map_err(|_| damaged("requests.kind"))?;
        Ok(Self {
            request: RequestId(row.request_id),
            subject: row.subject_id.map(SubjectId),
            right,
            state: row.state.parse().map_err(|_| damaged("requests.state"))?,
            step: Step::parse(right, &row.step).map_err(|_| damaged("requests.step"))?,
            scope: serde_json::from_str(&row.scope).map_err(|_| damaged("requests.scope"))?,
            reason: row.reason,
            outcome: row.outcome,
            received_at: Time(row.received_at),
            created_at: Time(row.created_at),
            created_by: row.created_by,
            updated_at: Time(row.updated_at),
            completed_at: row.completed_at.map(Time),
        })
    }
}

/// Adds a request.
///
/// # Errors
/// When the database does not answer.
pub async fn insert(tx: &mut Tx, app: &AppId, new: &Request) -> Result<()> {
    let scope = serde_json::to_string(&new.scope)
        .map_err(|_| StoreError::Damaged("a scope to be stored"))?;
    let (right, state, step) = (new.right.as_str(), new.state.as_str(), new.step.as_str());
    let (received, created, by) = (new.received_at, new.created_at, new.created_by.as_str());
    let args = (app, new.request, new.subject, right, state, step, scope, received, created, by);
    tx.execute_one(&INSERT, args).await
}

/// A request, or none.
///
/// # Errors
/// When the database does not answer.
pub async fn get(conn: &mut Conn, app: &AppId, request: RequestId) -> Result<Option<Request>> {
    conn.optional::<Row>(&GET, (app, request)).await?.map(Request::try_from).transpose()
}

/// The requests of an app after `after`, oldest first; those of one subject when it is given.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    subject: Option<SubjectId>,
    after: Option<RequestId>,
    limit: i64,
) -> Result<Vec<Request>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows = match subject {
        Some(subject) => conn.all::<Row>(&LIST_OF_SUBJECT, (app, subject, after, limit)).await?,
        None => conn.all::<Row>(&LIST, (app, after, limit)).await?,
    };
    rows.into_iter().map(Request::try_from).collect()
}

/// Where a request goes next.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The step it must be at.
    pub from: Step,
    /// The step that is now done.
    pub to: Step,
    /// The state it is in then.
    pub state: RequestState,
    /// What was found, when something was.
    pub outcome: Option<String>,
    /// When it was completed, when it was.
    pub completed_at: Option<Time>,
}

/// Records that a step was done.
///
/// # Errors
/// [`StoreError::Contention`] when the request is not at the step it must be at.
pub async fn advance(
    tx: &mut Tx,
    app: &AppId,
    request: RequestId,
    step: &Advance,
    at: Time,
) -> Result<()> {
    let (from, state, to) = (step.from.as_str(), step.state.as_str(), step.to.as_str());
    let args = (app, request, from, state, to, step.outcome.clone(), at, step.completed_at);
    match tx.execute(&ADVANCE, args).await? {
        1 => Ok(()),
        _ => Err(StoreError::Contention),
    }
}

/// Sets a state with a reason code, the step staying as it is.
///
/// # Errors
/// [`StoreError::RowCount`] when the request is gone.
pub async fn set_state(
    tx: &mut Tx,
    app: &AppId,
    request: RequestId,
    state: RequestState,
    reason: &'static str,
    at: Time,
) -> Result<()> {
    tx.execute_one(&FAIL, (app, request, state.as_str(), reason, at)).await
}

/// Cancels every request of a subject that is not final, except one, and gives how many.
///
/// # Errors
/// When the database does not answer.
pub async fn cancel_open(
    tx: &mut Tx,
    app: &AppId,
    subject: SubjectId,
    except: RequestId,
    reason: &'static str,
    at: Time,
) -> Result<u64> {
    let (cancelled, completed) =
        (RequestState::Cancelled.as_str(), RequestState::Completed.as_str());
    tx.execute(&CANCEL_OPEN, (app, subject, except, cancelled, reason, at, completed)).await
}

/// Cuts the link of all requests of a subject to that subject.
///
/// # Errors
/// When the database does not answer.
pub async fn unlink(tx: &mut Tx, app: &AppId, subject: SubjectId) -> Result<u64> {
    tx.execute(&UNLINK, (app, subject)).await
}
