//! Preparing the records that an import brings: many at once, each where no record is.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use oubli_domain::{Code, Refusal, SubjectId, Time};
use oubli_store::records::{self, PlaceState, RecordKey};
use oubli_store::subjects::{self, Subject};
use serde_json::Value;

use super::prepare::{Prepared, Seen, Wanted, prepare};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::keyring::DataKeys;
use crate::model::Model;
use crate::oubli::Oubli;

/// A record of an import.
pub(crate) struct RecordImport {
    /// Where it goes.
    pub(crate) key: RecordKey,
    /// Its body.
    pub(crate) body: Value,
    /// When it was made; now unless given.
    pub(crate) created_at: Option<Time>,
}

/// What was read before, in one snapshot.
struct World {
    model: Arc<Model>,
    subjects: HashMap<SubjectId, Subject>,
    places: HashMap<RecordKey, PlaceState>,
}

/// Prepares each of these, off the threads that answer others: validated, numbered, encrypted. Whose
/// key is not among `keys` was erased.
///
/// # Errors
/// When a database fails. What is wrong with one record stands in its own place: `record-exists`
/// where there is one, or where one before it goes; and what a put is refused for.
pub(crate) async fn prepare_imports(
    oubli: &Oubli,
    caller: &Caller,
    keys: &Arc<DataKeys>,
    wanted: Vec<RecordImport>,
) -> Result<Vec<Result<Prepared, Refusal>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let ids: BTreeSet<SubjectId> = wanted.iter().map(|record| record.key.subject).collect();
    let ids: Vec<SubjectId> = ids.into_iter().collect();
    let world = look(oubli, caller, &ids, &wanted).await?;
    let (caller, keys, now) = (caller.clone(), Arc::clone(keys), oubli.now());
    let prepared = oubli.tasks().spawn_blocking(move || {
        let mut taken = HashSet::new();
        let one = |record: RecordImport| {
            let key = record.key.clone();
            let there = world.places.get(&key).is_some_and(|place| place.there);
            if there || taken.contains(&key) {
                return Ok(Err(Code::RecordExists.into()));
            }
            let Some(data_key) = keys.get(&key.subject) else {
                return Ok(Err(Code::SubjectNotFound.into()));
            };
            match world.prepare(&caller, data_key, record, now) {
                Ok(prepared) => {
                    taken.insert(key);
                    Ok(Ok(prepared))
                }
                Err(Error::Refused(refusal)) => Ok(Err(below_body(refusal))),
                Err(error) => Err(error),
            }
        };
        wanted.into_iter().map(one).collect::<Result<Vec<_>>>()
    });
    prepared.await.map_err(|_| Error::TaskEnded("the preparation of an import"))?
}

/// What is wrong with a record is wrong with the body of its line.
fn below_body(refusal: Refusal) -> Refusal {
    if refusal.code == Code::InvalidRecord { refusal.below("/body") } else { refusal }
}

async fn look(
    oubli: &Oubli,
    caller: &Caller,
    ids: &[SubjectId],
    wanted: &[RecordImport],
) -> Result<World> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let subjects = subjects::get_many(&mut conn, &caller.app, ids).await?;
    let keys: Vec<&RecordKey> = wanted.iter().map(|record| &record.key).collect();
    Ok(World {
        model,
        subjects: subjects.into_iter().map(|row| (row.subject, row)).collect(),
        places: records::places(&mut conn, &caller.app, &keys).await?,
    })
}

impl World {
    fn prepare(
        &self,
        caller: &Caller,
        data_key: &oubli_vault::DataKey,
        record: RecordImport,
        now: Time,
    ) -> Result<Prepared> {
        let key = record.key;
        let subject = self.subjects.get(&key.subject).copied();
        let last_version = self.places.get(&key).map_or(0, |place| place.last_version);
        let seen = Seen::nothing(&self.model, subject, last_version)?;
        let wanted = Wanted::Import { body: record.body, created_at: record.created_at };
        prepare(caller, data_key, &key, &wanted, None, &seen, now)
    }
}
