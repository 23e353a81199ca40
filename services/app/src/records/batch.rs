//! Putting many records in one transaction.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use oubli_domain::request::SubjectState;
use oubli_domain::{Code, Name, RecordId, Refusal, SubjectId};
use oubli_store::records::RecordKey;
use oubli_store::{StoreError, Tx, subjects};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::prepare::{Prepared, Seen, Wanted, prepare};
use super::write::{ATTEMPTS, IfMatch, Written};
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::subjects::{SubjectSelector, resolve};

/// The most items in one batch.
pub const MAX_BATCH: usize = 1_000;

/// One record to be put.
#[derive(Clone, Debug)]
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

impl BatchResult {
    fn refused(refusal: &Refusal) -> Self {
        Self::Refused {
            problem: refusal.code.slug().to_owned(),
            status: refusal.code.status(),
            pointers: refusal.errors.iter().map(|e| e.pointer.clone()).collect(),
        }
    }
}

/// Puts up to [`MAX_BATCH`] records. All items are validated; the valid ones commit together; each
/// has its result, in the order of the items.
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
    for _ in 0..ATTEMPTS {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let prepared = prepare_all(oubli, call, &items).await?;
        let app = call.caller.app.clone();
        let written = oubli
            .write_once("records.batch", call, None, Answer::Repeatable, move |tx| {
                let (app, prepared) = (app.clone(), prepared.clone());
                Box::pin(async move { apply_all(tx, &app, &prepared).await })
            })
            .await;
        match written {
            Err(Error::Store(StoreError::Stale)) => {}
            done => return done,
        }
    }
    Err(Code::Unavailable.into())
}

type Item = Result<Prepared, Refusal>;

async fn prepare_all(oubli: &Oubli, call: &Call, items: &[BatchItem]) -> Result<Vec<Item>> {
    let app = &call.caller.app;
    let model = oubli.model(&mut oubli.data().conn().await?, app).await?;
    let mut keys: HashMap<RecordKey, usize> = HashMap::new();
    let mut prepared = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let subject = match resolve(oubli, app, &model, &item.subject).await {
            Ok(subject) => subject,
            Err(Error::Refused(refusal)) => {
                prepared.push(Err(refusal));
                continue;
            }
            Err(error) => return Err(error),
        };
        let (category, record) = (item.category.clone(), item.record.clone());
        let key = RecordKey { subject, category, record };
        if keys.insert(key.clone(), n).is_some() {
            let refusal = Refusal::new(Code::InvalidBody);
            return Err(refusal.at(format!("/items/{n}"), "is in the batch twice").into());
        }
        match prepare_one(oubli, call, &key, item).await {
            Ok(item) => prepared.push(Ok(item)),
            Err(Error::Refused(refusal)) => prepared.push(Err(refusal)),
            Err(error) => return Err(error),
        }
    }
    Ok(prepared)
}

async fn prepare_one(
    oubli: &Oubli,
    call: &Call,
    key: &RecordKey,
    item: &BatchItem,
) -> Result<Prepared> {
    let app = &call.caller.app;
    let mut conn = oubli.data().snapshot().await?;
    let seen = Seen::read(oubli, &mut conn, app, key).await?;
    drop(conn);
    let data_key = oubli.keyring().data_key(app, key.subject).await?;
    let wanted = Wanted::Put(item.body.clone());
    prepare(&call.caller, &data_key, key, &wanted, item.if_match, &seen, oubli.now())
}

/// Applies what was prepared; each subject is locked once, and one that may no longer be written
/// about refuses its items alone.
async fn apply_all(
    tx: &mut Tx,
    app: &oubli_domain::AppId,
    items: &[Item],
) -> oubli_store::Result<Vec<BatchResult>> {
    let mut locked: HashMap<SubjectId, Option<Refusal>> = HashMap::new();
    let mut results = Vec::with_capacity(items.len());
    for item in items {
        let prepared = match item {
            Ok(prepared) => prepared,
            Err(refusal) => {
                results.push(BatchResult::refused(refusal));
                continue;
            }
        };
        let subject = prepared.subject();
        let refusal = match locked.entry(subject) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(lock(tx, app, subject).await?),
        };
        results.push(match refusal {
            Some(refusal) => BatchResult::refused(refusal),
            None => BatchResult::Put { written: prepared.apply(tx).await? },
        });
    }
    Ok(results)
}

async fn lock(
    tx: &mut Tx,
    app: &oubli_domain::AppId,
    subject: SubjectId,
) -> oubli_store::Result<Option<Refusal>> {
    match subjects::lock(tx, app, subject).await {
        Ok(row) if row.state == SubjectState::Restricted => {
            Ok(Some(Refusal::new(Code::SubjectRestricted)))
        }
        Ok(_) => Ok(None),
        Err(StoreError::Refused(refusal)) => Ok(Some(refusal)),
        Err(error) => Err(error),
    }
}
