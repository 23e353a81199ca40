//! Putting many records in one transaction.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

use oubli_domain::{AppId, Code, Name, RecordId, Refusal, SubjectId};
use oubli_store::records::RecordKey;
use oubli_store::subjects::{self, Subject};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::apply::apply_many;
use super::prepare::{Prepared, Seen, Wanted, prepare};
use super::write::{ATTEMPTS, IfMatch, Written};
use crate::caller::Call;
use crate::error::{Error, Result, refusable};
use crate::keyring::DataKeys;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::subjects::{SubjectSelector, resolve_many};

/// The most items in one batch.
pub const MAX_BATCH: usize = 1_000;

/// How many items are read in one snapshot. All of them are held in memory, with records of up to
/// 256 KiB; and no snapshot may last.
const PAGE: usize = 100;

/// One record to be put.
#[derive(Clone)]
pub struct BatchItem {
    /// Whose.
    pub subject: SubjectSelector,
    /// Its category.
    pub category: Name,
    /// Its id.
    pub record: RecordId,
    /// Its body.
    pub body: Value,
    /// The condition, when there is one.
    pub if_match: Option<IfMatch>,
}

impl fmt::Debug for BatchItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("BatchItem");
        shown.field("category", &self.category).field("record", &self.record);
        shown.finish_non_exhaustive()
    }
}

/// What became of one item: versions, codes and places alone. Answers are remembered for a day and
/// belong to no one person, so they name none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum BatchResult {
    /// It was put.
    Put {
        /// What was done.
        #[serde(flatten)]
        written: Written,
    },
    /// It was not put; the others were.
    Refused {
        /// The slug of the problem.
        problem: String,
        /// Its HTTP status, as if the item had come alone.
        status: u16,
        /// The wrong places, below the item.
        pointers: Vec<String>,
    },
}

impl From<Result<Written, Refusal>> for BatchResult {
    fn from(result: Result<Written, Refusal>) -> Self {
        match result {
            Ok(written) => Self::Put { written },
            Err(refusal) => Self::Refused {
                problem: refusal.code.slug().to_owned(),
                status: refusal.code.status(),
                pointers: refusal.errors.iter().map(|e| e.pointer.clone()).collect(),
            },
        }
    }
}

/// Puts up to [`MAX_BATCH`] records. All items are validated; the valid ones commit together; each
/// has its result, in the order of the items.
///
/// Its transaction writes up to 4,001 rows: for each item the record, its version, the log event and
/// that event's payload, and once the remembered answer; and it locks up to 1,000 subjects. It is
/// the one exception to the bound of 1,000 rows: in two transactions the valid items would not
/// commit together, nor with the answer that a repeat gets.
///
/// # Errors
/// `invalid-body` for too many items, none, or two for one record. A fault of the service fails
/// the batch as a whole.
pub async fn put_batch(
    oubli: &Oubli,
    call: &Call,
    items: Vec<BatchItem>,
) -> Result<Vec<BatchResult>> {
    if items.is_empty() || items.len() > MAX_BATCH {
        return Err(Refusal::new(Code::InvalidBody).at("/items", "must be 1 to 1000").into());
    }
    let mut turns = Vec::new();
    for _ in 0..ATTEMPTS {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let keys = record_keys(oubli, &call.caller.app, &items).await?;
        let prepared = prepare_all(oubli, call, &keys, &items).await?;
        match write_all(oubli, call, prepared).await {
            // Another write was first: from here on this one waits for nobody who comes after it.
            Err(Error::Store(StoreError::Stale)) if turns.is_empty() => {
                let subjects = keys.iter().flatten().map(|key| key.subject);
                turns = oubli.node().turns.turns(&call.caller.app, subjects).await?;
            }
            Err(Error::Store(StoreError::Stale)) => {}
            done => return done,
        }
    }
    Err(Code::Unavailable.into())
}

async fn write_all(oubli: &Oubli, call: &Call, prepared: Vec<Item>) -> Result<Vec<BatchResult>> {
    let app = call.caller.app.clone();
    oubli
        .write_once("records.batch", call, None, Answer::Repeatable, move |tx| {
            let (app, prepared) = (app.clone(), prepared.clone());
            Box::pin(async move {
                apps::hold(tx, &app).await?;
                apply_all(tx, &app, &prepared).await
            })
        })
        .await
}

type Item = Result<Prepared, Refusal>;

async fn prepare_all(
    oubli: &Oubli,
    call: &Call,
    keys: &[Result<RecordKey, Refusal>],
    items: &[BatchItem],
) -> Result<Vec<Item>> {
    let app = &call.caller.app;
    let mut prepared = Vec::with_capacity(items.len());
    for (keys, items) in keys.chunks(PAGE).zip(items.chunks(PAGE)) {
        let seen = see(oubli, app, keys).await?;
        let subjects: BTreeSet<SubjectId> = keys.iter().flatten().map(|key| key.subject).collect();
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        let data_keys = oubli.keyring().data_keys(app, &subjects).await?;
        for ((key, seen), item) in keys.iter().zip(seen).zip(items) {
            prepared.push(match (key, seen) {
                (Ok(key), Ok(seen)) => prepare_one(oubli, call, key, &data_keys, &seen, item)?,
                (Err(refusal), _) => Err(refusal.clone()),
                (_, Err(refusal)) => Err(refusal),
            });
        }
    }
    Ok(prepared)
}

/// Where each item goes, or why nobody can tell.
async fn record_keys(
    oubli: &Oubli,
    app: &AppId,
    items: &[BatchItem],
) -> Result<Vec<Result<RecordKey, Refusal>>> {
    let model = oubli.model(&mut oubli.data().conn().await?, app).await?;
    let selectors: Vec<&SubjectSelector> = items.iter().map(|item| &item.subject).collect();
    let subjects = resolve_many(oubli, app, &model, &selectors).await?;
    let mut known = HashSet::new();
    let mut keys = Vec::with_capacity(items.len());
    for (n, (item, subject)) in items.iter().zip(subjects).enumerate() {
        let (category, record) = (item.category.clone(), item.record.clone());
        let key = subject.map(|subject| RecordKey { subject, category, record });
        if key.as_ref().is_ok_and(|key| !known.insert(key.clone())) {
            let refusal = Refusal::new(Code::InvalidBody);
            return Err(refusal.at(format!("/items/{n}"), "is in the batch twice").into());
        }
        keys.push(key);
    }
    Ok(keys)
}

/// What is there at these places, in one snapshot. A place that nobody can tell is refused.
async fn see(
    oubli: &Oubli,
    app: &AppId,
    keys: &[Result<RecordKey, Refusal>],
) -> Result<Vec<Result<Seen, Refusal>>> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, app).await?;
    let ids: BTreeSet<SubjectId> = keys.iter().flatten().map(|key| key.subject).collect();
    let ids: Vec<SubjectId> = ids.into_iter().collect();
    let rows = subjects::get_many(&mut conn, app, &ids).await?;
    let rows: HashMap<SubjectId, Subject> = rows.into_iter().map(|s| (s.subject, s)).collect();
    let mut seen = Vec::with_capacity(keys.len());
    for key in keys {
        seen.push(match key {
            Ok(key) => {
                let subject = rows.get(&key.subject).copied();
                refusable(Seen::of(&mut conn, &model, subject, app, key).await)?
            }
            Err(refusal) => Err(refusal.clone()),
        });
    }
    Ok(seen)
}

fn prepare_one(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    data_keys: &DataKeys,
    seen: &Seen,
    item: &BatchItem,
) -> Result<Item> {
    // Whoever has no key was erased since.
    let Some(data_key) = data_keys.get(&key.subject) else {
        return Ok(Err(Code::SubjectNotFound.into()));
    };
    let wanted = Wanted::Put(item.body.clone());
    refusable(prepare(&call.caller, data_key, key, &wanted, item.if_match, seen, oubli.now()))
}

/// Applies what was prepared; one who may no longer be written about refuses its items alone.
async fn apply_all(tx: &mut Tx, app: &AppId, items: &[Item]) -> StoreResult<Vec<BatchResult>> {
    let prepared: Vec<&Prepared> = items.iter().flatten().collect();
    let locked = subjects::lock_many(tx, app, prepared.iter().map(|one| one.subject())).await?;
    let mut written = apply_many(tx, app, &locked, &prepared).await?.into_iter();
    let results = items.iter().map(|item| match item {
        Ok(_) => written.next().unwrap_or_else(|| Err(Code::Internal.into())),
        Err(refusal) => Err(refusal.clone()),
    });
    Ok(results.map(BatchResult::from).collect())
}
