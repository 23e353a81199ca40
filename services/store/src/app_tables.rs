//! Deleting and counting every row of an app, table by table.
//!
//! The tables here, and those that [`crate::schema_list::KEPT_OF_APP`] names with a reason, are all
//! that have an `app_id`: a schema test holds both lists against the schema, so that a new table
//! cannot be forgotten.

use oubli_domain::AppId;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::migrate::Schema;
use crate::statement::Statement;

/// The kind of the job that deletes an app: its own row stays until it has come to its end.
pub const LEAVING: &str = "leaving";

/// A table with rows of apps.
#[derive(Debug)]
pub struct AppTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows one transaction deletes at most; few where a row is large.
    pub most: u64,
    delete: Statement,
    count: Statement,
}

// `DELETE … LIMIT` is in neither engine's standard build: rows are named by their physical place.
macro_rules! app_tables {
    ($($(#[$doc:meta])* $list:ident = [$($table:literal $most:literal $(but $but:literal)?,)*];)*) => {
        $($(#[$doc])*
        pub const $list: &[AppTable] = &[$(AppTable {
            name: $table,
            most: $most,
            delete: Statement {
                anew: false,
                name: concat!("app_tables::delete_", $table),
                lite: concat!("delete from ", $table, " where rowid in (select rowid from ",
                    $table, " where app_id = $1", $(" and ", $but,)? " limit ", $most, ")"),
                pg: concat!("delete from ", $table, " where app_id = $1 and ctid in (select ctid from ",
                    $table, " where app_id = $1", $(" and ", $but,)? " limit ", $most, ")"),
            },
            count: Statement {
                anew: false,
                name: concat!("app_tables::count_", $table),
                lite: concat!("select count(*) from ", $table, " where app_id = $1" $(, " and ", $but)?),
                pg: concat!("select count(*) from ", $table, " where app_id = $1" $(, " and ", $but)?),
            },
        },)*];)*
    };
}

app_tables! {
    /// In `data`, in the order of deletion. Jobs first: one that runs finds its lease gone. Then the
    /// subjects: who writes about one holds its row, and finds none afterwards.
    DATA_TABLES = [
        "jobs" 500 but "kind <> 'leaving'", "subjects" 500, "clients" 500,
        "records" 500, "record_versions" 500, "consent_states" 500, "consent_events" 500,
        "purpose_ends" 500, "export_chunks" 16, "exports" 500, "event_payloads" 500,
        "idempotency" 500, "imported_lines" 500, "identifiers" 500, "claims" 500, "requests" 500,
        "certificates" 500, "holds" 500, "kept_items" 16, "events" 500, "notices" 16, "data_maps" 16,
    ];
    /// In `keys`: the row of the key set first, without which nobody writes under the app's keys; then
    /// people's keys, with which everything else is unreadable.
    SUBJECT_KEY_TABLES = ["key_sets" 500, "subject_keys" 500, "kept_keys" 500, "blind_indexes" 500,];
    /// In `keys`: the app's own keys. They go after the certificate, which one of them signs, and all
    /// at once: an app has few.
    APP_KEY_TABLES = ["app_secrets" 500, "app_keys" 500, "retired_epochs" 500,];
}

/// Every statement with its database, for the describe test.
pub(crate) fn statements() -> impl Iterator<Item = (Schema, &'static Statement)> {
    let of = |schema, tables: &'static [AppTable]| {
        tables.iter().flat_map(move |table| [(schema, &table.delete), (schema, &table.count)])
    };
    let keys = of(Schema::Keys, SUBJECT_KEY_TABLES).chain(of(Schema::Keys, APP_KEY_TABLES));
    of(Schema::Data, DATA_TABLES).chain(keys)
}

/// Deletes up to [`AppTable::most`] rows of an app from a table and gives how many it deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn delete_chunk(tx: &mut Tx, table: &'static AppTable, app: &AppId) -> Result<u64> {
    tx.execute(&table.delete, (app,)).await
}

/// How many rows of an app a table holds, without the job that deletes the app.
///
/// # Errors
/// When the database does not answer.
pub async fn count(conn: &mut Conn, table: &'static AppTable, app: &AppId) -> Result<u64> {
    let (rows,): (i64,) = conn.one(&table.count, (app,)).await?;
    Ok(rows.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::{DATA_TABLES, LEAVING};

    #[test]
    fn the_job_that_deletes_does_not_delete_itself() {
        let jobs = DATA_TABLES.iter().find(|table| table.name == "jobs");
        assert!(jobs.is_some_and(|jobs| jobs.delete.pg.contains(&format!("<> '{LEAVING}'"))));
    }
}
