//! The answers of calls that carried an `Idempotency-Key`, written in the transaction of the call.
//!
//! A row is inserted before the work and settled after it, in one transaction, so a row that others
//! can see is always that of a finished call. It holds MACs and an answer of ids, versions and
//! states; never personal data.

use oubli_domain::{AppId, Code, Refusal, SubjectId, Time};

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    CLAIM = "insert into idempotency (app_id, key_mac, request_mac, expires_at) \
        values ($1, $2, $3, $4) on conflict (app_id, key_mac) do update \
        set request_mac = excluded.request_mac, expires_at = excluded.expires_at, \
        answer = null, subject_id = null where idempotency.expires_at <= $5";
    FOUND = "select request_mac, answer from idempotency where app_id = $1 and key_mac = $2";
    PEEK = "select request_mac, answer from idempotency \
        where app_id = $1 and key_mac = $2 and expires_at > $3";
    SETTLE = "update idempotency set answer = $3, subject_id = $4 \
        where app_id = $1 and key_mac = $2";
    LINK = "update idempotency set subject_id = $3 where app_id = $1 and key_mac = $2";
    PURGE = "delete from idempotency where (app_id, key_mac) in (select app_id, key_mac \
        from idempotency where expires_at <= $1 order by expires_at limit $2)";
}

/// What a key turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// New: the work goes on, and [`settle`] ends it.
    First,
    /// A repeat: this is what the first call answered.
    Replay {
        /// The text that the first call settled with.
        answer: String,
    },
    /// The key was used with another method, path or body.
    OtherRequest,
    /// A repeat of a call that did not settle, since its answer held a secret that is shown once.
    SecretShown,
}

#[derive(sqlx::FromRow)]
struct Row {
    request_mac: Vec<u8>,
    answer: Option<String>,
}

impl Row {
    fn claim(self, request_mac: &[u8; 32]) -> Claim {
        match self {
            // What is compared is a MAC under a secret key: timing tells a caller nothing.
            Row { request_mac: stored, .. } if stored != request_mac => Claim::OtherRequest,
            Row { answer: Some(answer), .. } => Claim::Replay { answer },
            Row { answer: None, .. } => Claim::SecretShown,
        }
    }
}

/// Claims a key for a request, both as MACs; a row that expired by `now` counts as none. The claim
/// must stand at the start of its transaction: while another call with the key is open, it waits.
/// Once that call has committed, the snapshot here is too old to see its row, and the
/// transaction starts again and finds it.
///
/// # Errors
/// `idempotency-in-flight` when the other call stays open for longer than [`crate::WAIT`], and
/// [`StoreError::Contention`], which the store handles.
pub async fn claim(
    tx: &mut Tx,
    app: &AppId,
    key_mac: &[u8; 32],
    request_mac: &[u8; 32],
    expires_at: Time,
    now: Time,
) -> Result<Claim> {
    let args = (app, key_mac, request_mac, expires_at, now);
    match tx.execute(&CLAIM, args).await.map_err(in_flight)? {
        1 => Ok(Claim::First),
        _ => found(tx, app, key_mac, request_mac).await,
    }
}

/// A row lock that is not released within the bound is another call with the same key.
fn in_flight(error: StoreError) -> StoreError {
    if error.is_lock_timeout() {
        return Refusal::new(Code::IdempotencyInFlight).into();
    }
    error
}

async fn found(
    tx: &mut Tx,
    app: &AppId,
    key_mac: &[u8; 32],
    request_mac: &[u8; 32],
) -> Result<Claim> {
    // No row: it was purged between the two statements. Starting again inserts it.
    let row = tx.optional::<Row>(&FOUND, (app, key_mac)).await?.ok_or(StoreError::Contention)?;
    Ok(row.claim(request_mac))
}

/// What a key turned out to be, without claiming it; none when it is new. For calls that must know
/// before they work on anything outside the transaction that will claim it.
///
/// # Errors
/// When the database fails.
pub async fn peek(
    conn: &mut Conn,
    app: &AppId,
    key_mac: &[u8; 32],
    request_mac: &[u8; 32],
    now: Time,
) -> Result<Option<Claim>> {
    let row = conn.optional::<Row>(&PEEK, (app, key_mac, now)).await?;
    Ok(row.map(|row| row.claim(request_mac)))
}

/// Keeps the answer of a call for its repeats, and whom it was about, so that it goes with that
/// person. A call whose answer holds a one-time secret does not settle; see [`link`].
///
/// # Errors
/// [`StoreError::RowCount`] when the key was not claimed.
pub async fn settle(
    tx: &mut Tx,
    app: &AppId,
    key_mac: &[u8; 32],
    answer: &str,
    subject: Option<SubjectId>,
) -> Result<()> {
    tx.execute_one(&SETTLE, (app, key_mac, answer, subject)).await
}

/// Keeps whom a call was about whose answer holds a one-time secret, and no answer: the row goes
/// with that person, and until then a repeat is told that the secret was shown.
///
/// # Errors
/// [`StoreError::RowCount`] when the key was not claimed.
pub async fn link(tx: &mut Tx, app: &AppId, key_mac: &[u8; 32], subject: SubjectId) -> Result<()> {
    tx.execute_one(&LINK, (app, key_mac, subject)).await
}

/// Deletes at most `limit` rows that expired by `now`, and gives how many.
///
/// # Errors
/// When the database fails.
pub async fn purge_expired(tx: &mut Tx, now: Time, limit: i64) -> Result<u64> {
    tx.execute(&PURGE, (now, limit)).await
}
