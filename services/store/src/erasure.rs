//! Deleting and counting every row of a subject, table by table.
//!
//! The tables here are all that have a subject column; a schema test holds this list against the
//! schema, so that a new table cannot be forgotten.

use oubli_domain::{AppId, SubjectId};

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::Statement;

/// A table with a subject column.
#[derive(Debug)]
pub struct SubjectTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows one transaction deletes at most; few where a row is large.
    pub most: u64,
    delete: Statement,
    count: Statement,
}

// `DELETE … LIMIT` is in neither engine's standard build: rows are named by their physical place.
macro_rules! subject_tables {
    ($($(#[$doc:meta])* $list:ident = [$($table:literal $most:literal,)*];)*) => {
        $($(#[$doc])*
        pub const $list: &[SubjectTable] = &[$(SubjectTable {
            name: $table,
            most: $most,
            delete: Statement {
                anew: false,
                name: concat!("erasure::delete_", $table),
                lite: concat!("delete from ", $table, " where rowid in (select rowid from ",
                    $table, " where app_id = $1 and subject_id = $2 limit ", $most, ")"),
                pg: concat!("delete from ", $table, " where app_id = $1 and ctid in (select ctid from ",
                    $table, " where app_id = $1 and subject_id = $2 limit ", $most, ")"),
            },
            count: Statement {
                anew: false,
                name: concat!("erasure::count_", $table),
                lite: concat!("select count(*) from ", $table, " where app_id = $1 and subject_id = $2"),
                pg: concat!("select count(*) from ", $table, " where app_id = $1 and subject_id = $2"),
            },
        },)*];)*
    };
}

subject_tables! {
    /// In `data`, in the order of deletion: the subject's own row last, so that its lock and its
    /// state stand until everything else is gone.
    DATA_TABLES = [
        "records" 500, "record_versions" 500, "consent_states" 500, "consent_events" 500,
        "purpose_ends" 500,
        "export_chunks" 16, "exports" 500, "event_payloads" 500, "idempotency" 500, "jobs" 500,
        "imported_lines" 500, "identifiers" 500, "holds" 500, "claims" 500, "subjects" 500,
    ];
    /// In `keys`: the data key first, since with it everything else is unreadable.
    KEY_TABLES = ["subject_keys" 500, "blind_indexes" 500,];
    /// In `data`, where rows stay and only lose their link.
    UNLINKED_TABLES = ["requests" 500,];
}

/// The statements on these tables, for the describe test.
pub(crate) fn statements(
    tables: &'static [SubjectTable],
) -> impl Iterator<Item = &'static Statement> {
    tables.iter().flat_map(|table| [&table.delete, &table.count])
}

/// Deletes up to [`SubjectTable::most`] rows of a subject from a table and gives how many it deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_chunk(
    tx: &mut Tx,
    table: &'static SubjectTable,
    app: &AppId,
    subject: SubjectId,
) -> Result<u64> {
    tx.execute(&table.delete, (app, subject)).await
}

/// How many rows of a subject a table holds.
///
/// # Errors
/// When the database does not answer.
pub async fn count(
    conn: &mut Conn,
    table: &'static SubjectTable,
    app: &AppId,
    subject: SubjectId,
) -> Result<u64> {
    let (rows,): (i64,) = conn.one(&table.count, (app, subject)).await?;
    Ok(rows.unsigned_abs())
}
