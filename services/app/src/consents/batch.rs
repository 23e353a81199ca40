//! Recording many consent events in one transaction.

use oubli_domain::Refusal;
use oubli_store::{Result as StoreResult, StoreError, Tx, apps};
use serde::{Deserialize, Serialize};

use super::check_count;
use super::event::{NewConsent, Prepared, Recorded};
use super::shown::{Texts, facts};
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;
use crate::subjects::{SubjectSelector, resolve_many};

/// One event of a batch.
#[derive(Clone, Debug)]
pub struct BatchItem {
    /// Whose.
    pub subject: SubjectSelector,
    /// What they did.
    pub consent: NewConsent,
}

/// What became of one item. It names no subject: the answer is remembered for a day, also when
/// the person is erased meanwhile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "lowercase")]
pub enum BatchResult {
    /// It is recorded.
    Recorded(Recorded),
    /// It is not; the others are.
    Refused {
        /// The slug of the problem.
        problem: String,
        /// Its HTTP status, as if the item had come alone.
        status: u16,
    },
}

impl BatchResult {
    fn refused(refusal: &Refusal) -> Self {
        Self::Refused { problem: refusal.code.slug().to_owned(), status: refusal.code.status() }
    }
}

type Item = Result<Prepared, Refusal>;

/// Records up to [`super::MAX_BATCH`] events. All items are checked; those that are right commit
/// together; each has its result, in the order of the items.
///
/// # Errors
/// `invalid-body` for no item or too many. A fault of the service fails the batch as a whole.
pub async fn record_batch(
    oubli: &Oubli,
    call: &Call,
    items: &[BatchItem],
) -> Result<Vec<BatchResult>> {
    check_count(items.len())?;
    retry_stale(|| async {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let prepared = prepare_all(oubli, call, items).await?;
        let app = call.caller.app.clone();
        oubli
            .write_once("consents.batch", call, None, Answer::Repeatable, move |tx| {
                let (app, prepared) = (app.clone(), prepared.clone());
                Box::pin(async move {
                    apps::hold(tx, &app).await?;
                    apply_all(tx, &prepared).await
                })
            })
            .await
    })
    .await
}

async fn prepare_all(oubli: &Oubli, call: &Call, items: &[BatchItem]) -> Result<Vec<Item>> {
    let caller = &call.caller;
    let model = oubli.model(&mut oubli.data().conn().await?, &caller.app).await?;
    let selectors: Vec<&SubjectSelector> = items.iter().map(|item| &item.subject).collect();
    let subjects = resolve_many(oubli, &caller.app, &model, &selectors).await?;
    let mut checked = Vec::with_capacity(items.len());
    let mut texts = Texts::default();
    let mut conn = oubli.data().snapshot().await?;
    for item in items {
        checked.push(facts(&mut conn, &model, &mut texts, &item.consent, None).await?);
    }
    drop(conn);
    let mut prepared = Vec::with_capacity(items.len());
    for ((item, subject), facts) in items.iter().zip(subjects).zip(checked) {
        let key = match subject {
            Ok(subject) => {
                oubli.keyring().data_key(&caller.app, subject).await.map(|k| (subject, k))
            }
            Err(refusal) => Err(refusal.into()),
        };
        prepared.push(match key {
            Ok((subject, key)) => {
                Ok(Prepared::new(caller, subject, key, &item.consent, facts, oubli.now(), None)?)
            }
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(error),
        });
    }
    Ok(prepared)
}

async fn apply_all(tx: &mut Tx, items: &[Item]) -> StoreResult<Vec<BatchResult>> {
    let mut results: Vec<Option<BatchResult>> = vec![None; items.len()];
    // By subject, so that two batches never wait for each other; the order of one person's events
    // stays.
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by_key(|n| items[*n].as_ref().ok().map(|prepared| prepared.subject));
    for n in order {
        results[n] = Some(match &items[n] {
            Err(refusal) => BatchResult::refused(refusal),
            Ok(prepared) => match prepared.apply(tx).await {
                Ok(recorded) => BatchResult::Recorded(recorded),
                Err(StoreError::Refused(refusal)) => BatchResult::refused(&refusal),
                Err(error) => return Err(error),
            },
        });
    }
    Ok(results.into_iter().flatten().collect())
}
