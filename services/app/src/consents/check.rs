//! Checking whether a purpose holds for a person now, for one and for many. Checks are not logged.

use std::collections::{BTreeSet, HashMap};

use oubli_domain::{Name, Refusal, SubjectId};
use oubli_store::subjects::Subject;
use oubli_store::{Conn, seen, subjects};

use super::check_count;
use crate::caller::Caller;
use crate::error::{Result, refusable};
use crate::model::Model;
use crate::oubli::Oubli;
use crate::standing::{Checked, Facts, FactsOfMany, judge};
use crate::subjects::{SubjectSelector, resolve, resolve_many};

/// One question.
#[derive(Clone, Debug)]
pub struct CheckItem {
    /// About whom.
    pub subject: SubjectSelector,
    /// May data be processed for this?
    pub purpose: Name,
}

/// Whether a purpose holds for a person now.
///
/// # Errors
/// `unknown-purpose`, `data-map-not-found`; `invalid-identifier`; `subject-not-found`,
/// `subject-erasing`.
pub async fn check(oubli: &Oubli, caller: &Caller, item: &CheckItem) -> Result<Checked> {
    let subject = match &item.subject {
        SubjectSelector::Id(id) => *id,
        by_identifier @ SubjectSelector::Identifier { .. } => {
            let model = oubli.model(&mut oubli.data().conn().await?, &caller.app).await?;
            resolve(oubli, &caller.app, &model, by_identifier).await?
        }
    };
    let purpose = &item.purpose;
    let look = async |conn: &mut Conn| seen::of_purpose(conn, &caller.app, subject, purpose).await;
    let (model, seen) = oubli.see(&caller.app, look).await?;
    let subject = subjects::not_erasing(seen.subject)?;
    let facts = Facts::seen(&model, purpose, seen)?;
    judge(&model, &subject, purpose, facts, oubli.now())
}

/// As [`check`] for up to [`super::MAX_BATCH`] questions, in a few queries, all seen in one
/// snapshot. What is wrong with one question stands in its own place.
///
/// # Errors
/// `invalid-body` for none or too many; `data-map-not-found`.
pub async fn check_batch(
    oubli: &Oubli,
    caller: &Caller,
    items: &[CheckItem],
) -> Result<Vec<Result<Checked, Refusal>>> {
    check_count(items.len())?;
    let model = oubli.model(&mut oubli.data().conn().await?, &caller.app).await?;
    let selectors: Vec<&SubjectSelector> = items.iter().map(|item| &item.subject).collect();
    let ids = resolve_many(oubli, &caller.app, &model, &selectors).await?;
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    model.map()?;
    let seen = Seen::read(&mut conn, &model, items, &ids).await?;
    drop(conn);
    let now = oubli.now();
    items
        .iter()
        .zip(ids)
        .map(|(item, id)| match id.and_then(|id| seen.subject(id)) {
            Err(refusal) => Ok(Err(refusal)),
            Ok(subject) => {
                let facts = seen.facts.of(subject.subject, &item.purpose);
                refusable(judge(&model, &subject, &item.purpose, facts, now))
            }
        })
        .collect()
}

/// What one snapshot says about everybody who is asked about.
struct Seen {
    subjects: HashMap<SubjectId, Subject>,
    facts: FactsOfMany,
}

impl Seen {
    async fn read(
        conn: &mut Conn,
        model: &Model,
        items: &[CheckItem],
        ids: &[Result<SubjectId, Refusal>],
    ) -> Result<Self> {
        let app = &model.app.app;
        let ids: BTreeSet<SubjectId> =
            ids.iter().filter_map(|id| id.as_ref().ok().copied()).collect();
        let ids: Vec<SubjectId> = ids.into_iter().collect();
        let purposes: BTreeSet<&Name> = items.iter().map(|item| &item.purpose).collect();
        let subjects = subjects::get_many(conn, app, &ids).await?;
        Ok(Self {
            subjects: subjects.into_iter().map(|row| (row.subject, row)).collect(),
            facts: FactsOfMany::read(conn, model, &ids, purposes).await?,
        })
    }

    fn subject(&self, id: SubjectId) -> Result<Subject, Refusal> {
        subjects::standing(self.subjects.get(&id).copied())
    }
}
