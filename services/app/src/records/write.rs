//! Putting, patching and deleting one record.

use oubli_domain::{Code, Time};
use oubli_store::records::RecordKey;
use oubli_store::{Conn, StoreError, seen};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::prepare::{Prepared, Seen, Wanted, prepare};
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::once::Answer;
use crate::oubli::Oubli;

/// How often a write is prepared again because another one was first.
pub(super) const ATTEMPTS: u32 = 16;

/// The condition of a write (RFC 9110, section 13.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfMatch {
    /// `If-Match: *`: a record must be there.
    Any,
    /// `If-Match: "n"`: this version must be there.
    Version(i64),
    /// `If-None-Match: *`: no record may be there.
    Absent,
}

/// What a write did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Written {
    /// The version that the record has now, or that its deletion is.
    pub version: i64,
    /// Whether there was no record before.
    pub created: bool,
    /// When it was written.
    pub updated_at: Time,
}

/// Puts a record: creates it, or replaces its whole body.
///
/// # Errors
/// `unknown-category`, `invalid-record`, `too-large`; `version-mismatch`, `held`;
/// `subject-not-found`, `subject-erasing`, `subject-restricted`.
pub async fn put(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    body: Value,
    if_match: Option<IfMatch>,
) -> Result<Written> {
    write(oubli, call, key, Wanted::Put(body), if_match, "records.put").await
}

/// Merges a patch into a record (RFC 7396): members that are null go, others are set.
///
/// # Errors
/// As [`put`], and `record-not-found`.
pub async fn patch(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    patch: Value,
    if_match: Option<IfMatch>,
) -> Result<Written> {
    if !patch.is_object() {
        let refusal = oubli_domain::Refusal::new(Code::InvalidRecord);
        return Err(refusal.at("", "must be an object").into());
    }
    write(oubli, call, key, Wanted::Patch(patch), if_match, "records.patch").await
}

/// Deletes a record. Its history stays, without values, until the person is erased.
///
/// # Errors
/// `record-not-found`, `version-mismatch`, `held`; `subject-not-found`, `subject-erasing`,
/// `subject-restricted`.
pub async fn delete(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    if_match: Option<IfMatch>,
) -> Result<Written> {
    write(oubli, call, key, Wanted::Delete, if_match, "records.delete").await
}

async fn write(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    wanted: Wanted,
    if_match: Option<IfMatch>,
    name: &'static str,
) -> Result<Written> {
    let written = attempts(oubli, call, key, &wanted, if_match, name).await;
    oubli.or_earlier(call, written).await
}

async fn attempts(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    wanted: &Wanted,
    if_match: Option<IfMatch>,
    name: &'static str,
) -> Result<Written> {
    let mut turn = oubli.node().turns.turn_if_taken(&call.caller.app, key.subject).await?;
    for _ in 0..ATTEMPTS {
        // A repeat answers as the first call did, also when its If-Match no longer holds.
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let prepared = prepared(oubli, call, key, wanted, if_match).await?;
        let subject = Some(prepared.subject());
        let written = oubli
            .write_once(name, call, subject, Answer::Repeatable, move |tx| {
                let prepared = prepared.clone();
                Box::pin(async move { prepared.lock_and_apply(tx).await })
            })
            .await;
        match written {
            Err(Error::Store(StoreError::Stale)) if turn.is_none() => {
                turn = Some(oubli.node().turns.turn(&call.caller.app, key.subject).await?);
            }
            Err(Error::Store(StoreError::Stale)) => {}
            done => return done,
        }
    }
    Err(Code::Unavailable.into())
}

async fn prepared(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    wanted: &Wanted,
    if_match: Option<IfMatch>,
) -> Result<Prepared> {
    let app = &call.caller.app;
    let look = async |conn: &mut Conn| seen::of_write(conn, app, key).await;
    let (model, seen) = oubli.see(app, look).await?;
    let seen = Seen::new(model, seen)?;
    let data_key = oubli.keyring().data_key(app, key.subject).await?;
    prepare(&call.caller, &data_key, key, wanted, if_match, &seen, oubli.now())
}
