//! The transaction that writes the records and consents of a batch.

use std::sync::Arc;

use oubli_domain::{AppId, Refusal};
use oubli_store::imported_lines::{self, ImportedLine};
use oubli_store::{Result as StoreResult, StoreError, Tx, subjects};

use super::{LineResult, Results, Run};
use crate::consents::{self, PreparedConsent};
use crate::error::Result;
use crate::records::{self, PreparedRecord};

/// A line that only needs its transaction, with what it brings.
pub(super) struct Ready<T> {
    /// Its place in the batch.
    pub(super) n: usize,
    pub(super) row: ImportedLine,
    pub(super) what: T,
}

/// What a transaction writes, each kind in the order of the lines.
#[derive(Default)]
pub(super) struct ReadyLines {
    pub(super) records: Vec<Ready<PreparedRecord>>,
    pub(super) consents: Vec<Ready<PreparedConsent>>,
}

/// Writes these lines, and that they were imported.
pub(super) async fn write(run: &Run<'_>, ready: ReadyLines) -> Result<Results> {
    if ready.records.is_empty() && ready.consents.is_empty() {
        return Ok(Results::new());
    }
    let (app, ready) = (run.call.caller.app.clone(), Arc::new(ready));
    let written = run.oubli.data().write("import.lines", move |tx| {
        let (app, ready) = (app.clone(), Arc::clone(&ready));
        Box::pin(async move { write_all(tx, &app, &ready).await })
    });
    Ok(written.await?)
}

async fn write_all(tx: &mut Tx, app: &AppId, ready: &ReadyLines) -> StoreResult<Results> {
    let ReadyLines { records, consents } = ready;
    let records_of = records.iter().map(|one| one.row.subject);
    let consents_of = consents.iter().map(|one| one.row.subject);
    let locked = subjects::lock_many(tx, app, records_of.chain(consents_of)).await?;

    let (mut results, mut rows) = (Results::new(), Vec::new());
    let writes: Vec<_> = records.iter().map(|one| &one.what).collect();
    let written = records::apply_many(tx, app, &locked, &writes).await?;
    sort(records, written, &mut results, &mut rows);
    let events: Vec<_> = consents.iter().map(|one| &one.what).collect();
    let recorded = consents::apply_imported(tx, app, &locked, &events).await?;
    sort(consents, recorded, &mut results, &mut rows);

    match imported_lines::insert_many(tx, app, rows).await {
        // Another import was first with a line.
        Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
        done => done.map(|()| results),
    }
}

/// Sorts lines into what they came to, and the rows of those that are written.
fn sort<'l, T, W>(
    lines: &'l [Ready<T>],
    written: Vec<Result<W, Refusal>>,
    results: &mut Results,
    rows: &mut Vec<&'l ImportedLine>,
) {
    for (line, written) in lines.iter().zip(written) {
        let result = match written {
            Ok(_) => {
                rows.push(&line.row);
                LineResult::Imported
            }
            Err(refusal) => LineResult::from(&refusal),
        };
        results.push((line.n, result));
    }
}
