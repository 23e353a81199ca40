//! What the tests need to see of the store and nobody else may use.

mod reader;
mod stop;

use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::app_tables;
use crate::db::Location;
use crate::erasure;
use crate::inserts::Insert;
use crate::migrate::{self, Schema};
use crate::statement::Statement;

pub use reader::Reader;
pub use stop::Stop;

/// The statements of every module that declares some. A test fails when one is missing here.
const MODULES: &[&[Statement]] = &[
    crate::app_deletions::STATEMENTS,
    crate::apps::STATEMENTS,
    crate::certificates::STATEMENTS,
    crate::claims::STATEMENTS,
    crate::clients::STATEMENTS,
    crate::consents::STATEMENTS,
    crate::data_maps::STATEMENTS,
    crate::doctor::STATEMENTS,
    crate::events::STATEMENTS,
    crate::exports::STATEMENTS,
    crate::exposure::STATEMENTS,
    crate::holds::STATEMENTS,
    crate::idempotency::STATEMENTS,
    crate::identifiers::STATEMENTS,
    crate::imported_lines::STATEMENTS,
    crate::jobs::STATEMENTS,
    crate::keys::app_keys::STATEMENTS,
    crate::keys::blind_indexes::STATEMENTS,
    crate::kept_items::STATEMENTS,
    crate::keys::kept_keys::STATEMENTS,
    crate::keys::key_sets::STATEMENTS,
    crate::keys::service_secrets::STATEMENTS,
    crate::keys::subject_keys::STATEMENTS,
    crate::keys::work::STATEMENTS,
    crate::notices::STATEMENTS,
    crate::purpose_ends::STATEMENTS,
    crate::record_puts::STATEMENTS,
    crate::record_versions::STATEMENTS,
    crate::records::STATEMENTS,
    crate::requests::STATEMENTS,
    crate::seen::STATEMENTS,
    crate::staff::events::STATEMENTS,
    crate::staff::sessions::STATEMENTS,
    crate::staff::sign_ins::STATEMENTS,
    crate::staff::users::STATEMENTS,
    crate::subjects::STATEMENTS,
];

/// The inserts of every module that declares some. A test fails when one is missing here.
fn inserts() -> [&'static [&'static Insert]; 10] {
    [
        crate::claims::INSERTS,
        crate::consents::INSERTS,
        crate::events::INSERTS,
        crate::identifiers::INSERTS,
        crate::imported_lines::INSERTS,
        crate::keys::blind_indexes::INSERTS,
        crate::keys::subject_keys::INSERTS,
        crate::record_versions::INSERTS,
        crate::records::INSERTS,
        crate::subjects::INSERTS,
    ]
}

/// A statement as the describe test prepares it.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Which database it speaks to.
    pub schema: Schema,
    /// Its module and name.
    pub name: &'static str,
    /// Its text for SQLite.
    pub lite: &'static str,
    /// Its text for PostgreSQL.
    pub pg: &'static str,
}

/// Every statement of the store.
pub fn statements() -> impl Iterator<Item = Described> {
    let modules = MODULES.iter().copied().flatten().map(|s| described(schema_of(s), s));
    let erasures = [
        (Schema::Data, erasure::DATA_TABLES),
        (Schema::Data, erasure::UNLINKED_TABLES),
        (Schema::Keys, erasure::KEY_TABLES),
    ];
    let erasures = erasures.into_iter().flat_map(|(schema, tables)| {
        erasure::statements(tables).map(move |statement| described(schema, statement))
    });
    let of_apps = app_tables::statements().map(|(schema, s)| described(schema, s));
    let inserts = inserts().into_iter().flatten().flat_map(|insert| insert.statements());
    let inserts = inserts.map(|statement| described(schema_of(statement), statement));
    modules.chain(erasures).chain(of_apps).chain(inserts)
}

/// Modules below `keys` speak to the `keys` database, all others to `data`.
fn schema_of(statement: &Statement) -> Schema {
    let of_keys = statement.name.starts_with("oubli_store::keys::");
    if of_keys { Schema::Keys } else { Schema::Data }
}

fn described(schema: Schema, statement: &Statement) -> Described {
    Described { schema, name: statement.name, lite: statement.lite, pg: statement.pg }
}

/// A migration that no binary knows, as a newer one leaves its own behind.
const UNKNOWN_MIGRATION: &str = "insert into _sqlx_migrations \
    (version, description, installed_on, success, checksum, execution_time) \
    select 9999, 'later', installed_on, success, checksum, 0 from _sqlx_migrations limit 1";

/// Makes a database look as if a newer binary had migrated it.
///
/// # Errors
/// When it cannot be reached or has no schema.
pub async fn add_unknown_migration(at: &Location) -> sqlx::Result<()> {
    execute(at, UNKNOWN_MIGRATION).await
}

/// Makes every job of a `data` database due, as time does: the lease of a worker that was killed,
/// and the wait after a failure, are over.
///
/// # Errors
/// When it cannot be reached or has no schema.
pub async fn make_jobs_due(at: &Location) -> sqlx::Result<()> {
    execute(at, "update jobs set run_at = 0").await
}

/// Ends the lease on the work on keys, as time does.
///
/// # Errors
/// When the `keys` database cannot be reached or has no schema.
pub async fn end_key_lease(at: &Location) -> sqlx::Result<()> {
    execute(at, "update key_work set leased_until = 0").await
}

/// Applies the migrations up to a version, as an older binary did.
///
/// # Errors
/// When the database cannot be reached, or one of them fails.
pub async fn migrate_until(schema: Schema, at: &Location, version: i64) -> crate::Result<()> {
    migrate::apply_until(schema, at, version).await
}

/// Runs statements on a connection of its own.
async fn execute(at: &Location, sql: &'static str) -> sqlx::Result<()> {
    match at {
        Location::Sqlite(file) => {
            let mut conn = SqliteConnection::connect(&file.to_string_lossy()).await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        }
        Location::Postgres(url) => {
            let mut conn = PgConnection::connect(url).await?;
            sqlx::raw_sql(sql).execute(&mut conn).await?;
            conn.close().await
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::{MODULES, inserts};

    #[test]
    fn every_module_with_statements_is_listed() {
        let of_module = |name: &str| name.rsplit_once("::").unwrap().0.to_owned();
        let listed = MODULES.iter().map(|statements| of_module(statements[0].name));
        assert_eq!(listed.collect::<BTreeSet<_>>(), declaring("statements! {"));
        let listed = inserts().into_iter().map(|inserts| of_module(inserts[0].name));
        assert_eq!(listed.collect::<BTreeSet<_>>(), declaring("inserts! {"));
    }

    /// The modules in which a line begins so.
    fn declaring(opening: &str) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        sources(&root)
            .into_iter()
            .filter(|file| {
                let text = std::fs::read_to_string(file).unwrap();
                text.lines().any(|line| line.starts_with(opening))
            })
            .map(|file| module_path(file.strip_prefix(&root).unwrap()))
            .collect()
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .collect()
    }

    fn module_path(file: &Path) -> String {
        let parts = file.with_extension("");
        let parts = parts.iter().map(|part| part.to_str().unwrap());
        let parts: Vec<_> = parts.filter(|part| *part != "mod").collect();
        format!("oubli_store::{}", parts.join("::"))
    }
}
