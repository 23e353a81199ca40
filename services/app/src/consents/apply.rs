//! Recording the consent events of an import by few statements.

use std::collections::{BTreeSet, HashMap};

use oubli_domain::consent::{ConsentEvent, Latest};
use oubli_domain::{AppId, Name, Refusal, SubjectId};
use oubli_store::subjects::{self, Subject};
use oubli_store::{Result as StoreResult, StoreError, Tx, consents, events};

use super::event::Prepared;

/// Records events one after another, in a transaction that has locked their subjects. What one of
/// them is refused with stands in its own place, and nothing of it is written.
///
/// # Errors
/// When the database fails; nothing may be kept then.
pub(crate) async fn apply_imported(
    tx: &mut Tx,
    app: &AppId,
    locked: &HashMap<SubjectId, Subject>,
    new: &[&Prepared],
) -> StoreResult<Vec<Result<(), Refusal>>> {
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut state = State::read(tx, app, new).await?;
    let (mut results, mut recorded) = (Vec::with_capacity(new.len()), Vec::new());
    for prepared in new {
        let subject = subjects::standing(locked.get(&prepared.subject).copied());
        let event = subject.and_then(|subject| state.record(prepared, &subject));
        results.push(event.map(|event| recorded.push((*prepared, prepared.stored(event)))));
    }
    let rows = recorded.iter().map(|(prepared, stored)| prepared.row(stored));
    match consents::insert_many(tx, app, rows).await {
        Err(StoreError::Duplicate { .. }) => return Err(StoreError::Stale),
        done => done?,
    }
    consents::set_latest_of_many(tx, app, state.changed()).await?;
    let log: Vec<_> = recorded.iter().map(|(prepared, _)| prepared.log()).collect();
    events::insert_many(tx, &log).await?;
    Ok(results)
}

/// How the consents of many stand within the transaction.
struct State {
    latest: HashMap<(SubjectId, Name), ConsentEvent>,
    last_seqs: HashMap<SubjectId, i64>,
    /// Where an event was recorded: in order, so that two transactions never wait for each other.
    touched: BTreeSet<(SubjectId, Name)>,
}

impl State {
    async fn read(tx: &mut Tx, app: &AppId, new: &[&Prepared]) -> StoreResult<Self> {
        let subjects: BTreeSet<SubjectId> = new.iter().map(|p| p.subject).collect();
        let subjects: Vec<SubjectId> = subjects.into_iter().collect();
        let purposes: BTreeSet<&Name> = new.iter().map(|p| p.purpose()).collect();
        let purposes: Vec<Name> = purposes.into_iter().cloned().collect();
        let latest = consents::latest_of_many(tx, app, &subjects, &purposes).await?;
        let latest = latest.into_iter();
        Ok(Self {
            latest: latest.map(|(owner, e)| ((owner, e.purpose.clone()), e)).collect(),
            last_seqs: consents::last_seqs(tx, app, &subjects).await?,
            touched: BTreeSet::new(),
        })
    }

    /// Takes in the next event.
    fn record(&mut self, prepared: &Prepared, subject: &Subject) -> Result<ConsentEvent, Refusal> {
        let place = (prepared.subject, prepared.purpose().clone());
        let latest = Latest(self.latest.get(&place).cloned());
        let seq = self.last_seqs.get(&prepared.subject).map_or(1, |last| last + 1);
        let event = prepared.event(subject, &latest, seq)?;
        self.last_seqs.insert(prepared.subject, seq);
        if let Latest(Some(decides)) = latest.apply(event.clone()) {
            self.latest.insert(place.clone(), decides);
        }
        self.touched.insert(place);
        Ok(event)
    }

    /// The deciding event wherever one was recorded.
    fn changed(&self) -> impl Iterator<Item = (SubjectId, &ConsentEvent)> {
        self.touched.iter().filter_map(|place| Some((place.0, self.latest.get(place)?)))
    }
}
