//! Migrations: what a database has, what it lacks, and applying it.
//!
//! Both databases of an engine share one folder; a file's name says which of them it is for
//! (`NNNN_data_….sql`, `NNNN_keys_….sql`). Applied migrations are never edited.

use sqlx::migrate::{Migrate, MigrateError, Migrator};

use crate::db::{Db, Location};
use crate::error::{MigrationError, Result, StoreError};

static SQLITE: Migrator = sqlx::migrate!("../../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/postgres");
const TABLE: &str = "_sqlx_migrations";

/// Which of the two databases.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// Ciphertext, consents, requests, the log.
    Data,
    /// Wrapped keys and blind indexes.
    Keys,
}

impl Schema {
    /// `data` or `keys`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Keys => "keys",
        }
    }

    fn migrator(self, all: &'static Migrator) -> Migrator {
        let mine = all.iter().filter(|m| m.description.starts_with(self.as_str()));
        Migrator::with_migrations(mine.cloned().collect())
    }
}

/// One migration and whether the database has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its number.
    pub version: i64,
    /// Its name.
    pub description: String,
    /// Whether it was applied.
    pub applied: bool,
    /// Its SQL text.
    pub sql: String,
}

/// Every migration of the database, in order.
///
/// # Errors
/// [`MigrationError::Newer`] when the database has one that this binary does not know, and
/// [`MigrationError::Changed`] when one was applied with another text.
pub async fn status(db: &Db) -> Result<Vec<Step>> {
    let (migrator, applied) = match (db.lite_reads(), db.pg_pool()) {
        (Some(pool), _) => {
            let mut conn = pool.lease().await?;
            (db.schema().migrator(&SQLITE), applied_in(db.schema(), conn.use_it()?).await?)
        }
        (_, Some(pool)) => {
            let mut conn = pool.lease().await?;
            (db.schema().migrator(&POSTGRES), applied_in(db.schema(), conn.use_it()?).await?)
        }
        (None, None) => return Ok(Vec::new()),
    };
    compare(db.schema(), &migrator, &applied)
}

/// Every migration that a database at `at` will get, as if it were not there yet.
///
/// # Errors
/// None in practice: nothing that was applied can disagree.
pub fn planned(schema: Schema, at: &Location) -> Result<Vec<Step>> {
    let all = match at {
        Location::Sqlite(_) => &SQLITE,
        Location::Postgres(_) => &POSTGRES,
    };
    compare(schema, &schema.migrator(all), &[])
}

/// The applied migrations; none when the table is not there yet.
async fn applied_in(schema: Schema, conn: &mut impl Migrate) -> Result<Vec<(i64, Vec<u8>)>> {
    match conn.list_applied_migrations(TABLE).await {
        Ok(applied) => {
            Ok(applied.into_iter().map(|m| (m.version, m.checksum.into_owned())).collect())
        }
        Err(MigrateError::Execute(sqlx::Error::Database(error))) if no_such_table(&*error) => {
            Ok(Vec::new())
        }
        Err(source) => Err(failed(schema, source)),
    }
}

/// PostgreSQL: `undefined_table`. SQLite has one code for all errors of a statement, and this
/// statement can have no other.
fn no_such_table(error: &dyn sqlx::error::DatabaseError) -> bool {
    matches!(error.code().as_deref(), Some("42P01" | "1"))
}

fn compare(schema: Schema, known: &Migrator, applied: &[(i64, Vec<u8>)]) -> Result<Vec<Step>> {
    let database = schema.as_str();
    if let Some((version, _)) =
        applied.iter().find(|(version, _)| known.iter().all(|m| m.version != *version))
    {
        return Err(MigrationError::Newer { database, version: *version }.into());
    }
    known
        .iter()
        .map(|m| {
            let found = applied.iter().find(|(version, _)| *version == m.version);
            if found.is_some_and(|(_, checksum)| checksum[..] != m.checksum[..]) {
                return Err(MigrationError::Changed { database, version: m.version }.into());
            }
            Ok(Step {
                version: m.version,
                description: m.description.to_string(),
                applied: found.is_some(),
                sql: m.sql.as_str().to_owned(),
            })
        })
        .collect()
}

/// Fails unless the database has exactly the migrations of this binary.
///
/// # Errors
/// As [`status`], and [`MigrationError::Pending`].
pub(crate) async fn require_current(db: &Db) -> Result<()> {
    let count = status(db).await?.iter().filter(|step| !step.applied).count();
    if count > 0 {
        return Err(MigrationError::Pending { database: db.schema().as_str(), count }.into());
    }
    Ok(())
}

/// Applies what is missing, in transactions and under a lock, so that two processes may migrate
/// at once and a migration that fails leaves nothing behind.
///
/// # Errors
/// As [`status`], and [`MigrationError::Failed`].
pub async fn apply(db: &Db) -> Result<()> {
    if db.pg_pool().is_some() {
        status(db).await?;
    }
    run(db, |all| all).await
}

/// Applies the migrations up to `version` and none after it.
pub(crate) async fn apply_until(schema: Schema, at: &Location, version: i64) -> Result<()> {
    let db = Db::open_for_migration(schema, at).await?;
    let until = |all: Migrator| {
        let some = all.iter().filter(|migration| migration.version <= version).cloned();
        Migrator::with_migrations(some.collect())
    };
    let done = run(&db, until).await;
    db.close().await;
    done
}

/// Applies those that `chosen` leaves of a database's migrations.
async fn run(db: &Db, chosen: impl FnOnce(Migrator) -> Migrator) -> Result<()> {
    let schema = db.schema();
    match (db.lite_writer(), db.pg_pool()) {
        (Some(writer), _) => writer.migrate(chosen(schema.migrator(&SQLITE)), schema).await,
        (_, Some(pool)) => {
            let mut conn = pool.lease().await?;
            let migrator = chosen(schema.migrator(&POSTGRES));
            let done = migrator.run_direct(None, conn.use_it()?, false).await;
            done.map_err(|source| failed(schema, source))
        }
        (None, None) => Err(StoreError::LookOnly),
    }
}

/// Sorts the driver's migration errors.
pub(crate) fn failed(schema: Schema, source: MigrateError) -> StoreError {
    let database = schema.as_str();
    match source {
        MigrateError::VersionMissing(version) => MigrationError::Newer { database, version }.into(),
        MigrateError::VersionMismatch(version) => {
            MigrationError::Changed { database, version }.into()
        }
        source => MigrationError::Failed { database, source }.into(),
    }
}
