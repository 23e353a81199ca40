//! Applying many prepared writes by few statements.

use std::collections::HashMap;

use oubli_domain::{AppId, Refusal, SubjectId};
use oubli_store::subjects::{self, Subject};
use oubli_store::{Result as StoreResult, StoreError, Tx, events, record_versions, records};

use super::prepare::Prepared;
use super::write::Written;
use crate::holds::Guard;

/// As [`Prepared::apply`] for each of these, no two of one record, in a transaction that has locked
/// their subjects. A subject that may no longer be written about refuses its own writes alone, and so
/// does a hold.
///
/// # Errors
/// As there. Nothing may be kept then.
pub(crate) async fn apply_many(
    tx: &mut Tx,
    app: &AppId,
    locked: &HashMap<SubjectId, Subject>,
    writes: &[&Prepared],
) -> StoreResult<Vec<Result<Written, Refusal>>> {
    let (mut results, mut allowed) = (Vec::with_capacity(writes.len()), Vec::new());
    let mut guard = Guard::default();
    for write in writes {
        let subject = subjects::writable(locked.get(&write.key.subject).copied());
        if subject.as_ref().is_ok_and(|subject| subject.last_contact != write.last_contact) {
            return Err(StoreError::Stale);
        }
        let may = match &subject {
            Ok(subject) => guard.check(tx, app, subject, &write.key.category, &write.lost).await?,
            Err(refusal) => Err(refusal.clone()),
        };
        results.push(may.map(|()| {
            allowed.push(*write);
            write.written
        }));
    }
    // By place, so that two transactions never wait for each other.
    allowed.sort_by_key(|write| write.place());
    apply_allowed(tx, app, &allowed).await?;
    Ok(results)
}

async fn apply_allowed(tx: &mut Tx, app: &AppId, writes: &[&Prepared]) -> StoreResult<()> {
    let Some(map) = writes.first().map(|write| write.map) else { return Ok(()) };
    // One data map alone can be in force.
    if writes.iter().any(|write| write.map != map) {
        return Err(StoreError::Stale);
    }
    let new = writes.iter().filter(|write| write.base.is_none());
    records::insert_many(tx, app, new.filter_map(|write| write.record.as_ref()), map).await?;
    for write in writes.iter().filter(|write| write.base.is_some()) {
        write.apply_row(tx).await?;
    }
    let versions = writes.iter().map(|write| (&write.key, &write.version));
    record_versions::insert_versions(tx, app, versions).await?;
    let log: Vec<_> = writes.iter().map(|write| &write.event).collect();
    events::insert_many(tx, &log).await
}
