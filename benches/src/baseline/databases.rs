//! The pools of the baseline, with the settings that the service's have.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, PgPool, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::statements as sql;

/// How long a query waits for a connection, as in the service.
const WAIT: Duration = Duration::from_secs(5);
const STATEMENTS_KEPT: usize = 256;

/// The databases of one engine.
#[derive(Debug)]
pub(crate) enum Databases {
    /// SQLite lets one connection write; a plain server has it behind a lock.
    Lite {
        data: SqlitePool,
        keys: SqlitePool,
        own: Mutex<SqliteConnection>,
    },
    Pg {
        data: PgPool,
        keys: PgPool,
        own: PgPool,
    },
}

/// Runs `$body` on the pool `$pool`, whichever engine it is of.
macro_rules! on {
    ($databases:expr, $pool:ident, $body:expr) => {
        match $databases {
            Databases::Lite { $pool, .. } => $body,
            Databases::Pg { $pool, .. } => $body,
        }
    };
}

/// Runs `$body` on a connection that writes.
macro_rules! writing {
    ($databases:expr, |$conn:ident| $body:expr) => {
        match $databases {
            Databases::Lite { own, .. } => {
                let mut own = own.lock().await;
                let $conn = &mut *own;
                $body
            }
            Databases::Pg { own, .. } => {
                let $conn = own;
                $body
            }
        }
    };
}

#[derive(sqlx::FromRow)]
pub(super) struct Checked {
    pub(super) state: String,
    pub(super) action: Option<String>,
}

#[derive(sqlx::FromRow)]
pub(super) struct Subject {
    pub(super) subject_id: Uuid,
    pub(super) state: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct State {
    pub(super) subject_id: Uuid,
    pub(super) action: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct Identifier {
    pub(super) identifier_id: Uuid,
    #[sqlx(rename = "type")]
    pub(super) kind: String,
}

#[derive(sqlx::FromRow)]
pub(super) struct Record {
    pub(super) version: i64,
    pub(super) body: Vec<u8>,
}

/// A record that is to be written.
pub(super) struct NewRecord {
    pub(super) subject: Uuid,
    pub(super) category: String,
    pub(super) record: String,
    pub(super) body: Vec<u8>,
}

/// The insert of a record, for the engine of what it is executed on.
macro_rules! insert {
    ($app:expr, $new:expr) => {
        sqlx::query(sql::INSERT_RECORD)
            .bind($app)
            .bind($new.subject)
            .bind(&$new.category)
            .bind(&$new.record)
            .bind(1_i64)
            .bind(NOW)
            .bind(NOW)
            .bind(None::<i32>)
            .bind(&$new.body)
    };
}

/// Any time: microseconds since 1970.
const NOW: i64 = 1_772_443_800_000_000;

impl Databases {
    pub(crate) async fn open(
        data: &str,
        keys: &str,
        own: &str,
        connections: u32,
    ) -> anyhow::Result<Self> {
        if own.starts_with("postgres") {
            let pool = async |url: &str| postgres_pool(url, connections).await;
            let own = pool(own).await?;
            for table in sql::POSTGRES_TABLES {
                sqlx::query(table).execute(&own).await?;
            }
            return Ok(Self::Pg { data: pool(data).await?, keys: pool(keys).await?, own });
        }
        let own = sqlite_options(own).journal_mode(SqliteJournalMode::Wal);
        let mut own = own.create_if_missing(true).connect().await?;
        for table in sql::SQLITE_TABLES {
            sqlx::query(table).execute(&mut own).await?;
        }
        let pool = |file: &str| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(WAIT)
                .test_before_acquire(false)
                .connect_lazy_with(sqlite_options(file).read_only(true))
        };
        Ok(Self::Lite { data: pool(data), keys: pool(keys), own: Mutex::new(own) })
    }

    pub(super) async fn check(
        &self,
        app: &str,
        subject: Uuid,
        purpose: &str,
    ) -> sqlx::Result<Option<Checked>> {
        on!(self, data, {
            let query = sqlx::query_as(sql::CHECK).bind(app).bind(subject).bind(purpose);
            query.fetch_optional(data).await
        })
    }

    pub(super) async fn subject(&self, app: &str, id: Uuid) -> sqlx::Result<Option<Subject>> {
        on!(self, data, {
            sqlx::query_as(sql::SUBJECT).bind(app).bind(id).fetch_optional(data).await
        })
    }

    pub(super) async fn subjects(&self, app: &str, ids: &str) -> sqlx::Result<Vec<Subject>> {
        let statement = self.of_many().subjects;
        on!(self, data, sqlx::query_as(statement).bind(app).bind(ids).fetch_all(data).await)
    }

    pub(super) async fn states(
        &self,
        app: &str,
        ids: &str,
        purposes: &str,
    ) -> sqlx::Result<Vec<State>> {
        let statement = self.of_many().states;
        on!(self, data, {
            let query = sqlx::query_as(statement).bind(app).bind(ids).bind(purposes);
            query.fetch_all(data).await
        })
    }

    pub(super) async fn identifiers(
        &self,
        app: &str,
        subject: Uuid,
    ) -> sqlx::Result<Vec<Identifier>> {
        on!(self, data, {
            sqlx::query_as(sql::IDENTIFIERS).bind(app).bind(subject).fetch_all(data).await
        })
    }

    /// The subject behind a blind index of an e-mail address.
    pub(super) async fn find(&self, app: &str, value: &[u8]) -> sqlx::Result<Option<Uuid>> {
        on!(self, keys, {
            let query = sqlx::query_scalar(sql::BLIND_INDEX).bind(app).bind("email");
            query.bind(1_i64).bind(value).fetch_optional(keys).await
        })
    }

    pub(super) async fn record(
        &self,
        app: &str,
        subject: Uuid,
        category: &str,
        record: &str,
    ) -> sqlx::Result<Option<Record>> {
        on!(self, data, {
            let query = sqlx::query_as(sql::RECORD).bind(app).bind(subject).bind(category);
            query.bind(record).fetch_optional(data).await
        })
    }

    /// One insert, which is a transaction of its own.
    pub(super) async fn insert_subject(&self, app: &str, id: Uuid) -> sqlx::Result<()> {
        writing!(self, |conn| {
            let query = sqlx::query(sql::INSERT_SUBJECT).bind(app).bind(id).bind("active");
            query.bind(NOW).bind(NOW).execute(conn).await.map(drop)
        })
    }

    /// One insert, which is a transaction of its own.
    pub(super) async fn insert_record(&self, app: &str, new: &NewRecord) -> sqlx::Result<()> {
        writing!(self, |conn| insert!(app, new).execute(conn).await.map(drop))
    }

    /// Many inserts in one transaction.
    #[expect(clippy::disallowed_methods, reason = "the rule is the service's: no store is here")]
    pub(super) async fn insert_records(&self, app: &str, all: &[NewRecord]) -> sqlx::Result<()> {
        match self {
            Self::Lite { own, .. } => {
                let mut own = own.lock().await;
                sqlx::query("BEGIN IMMEDIATE").execute(&mut *own).await?;
                for new in all {
                    insert!(app, new).execute(&mut *own).await?;
                }
                sqlx::query("COMMIT").execute(&mut *own).await.map(drop)
            }
            Self::Pg { own, .. } => {
                let mut transaction = own.begin().await?;
                for new in all {
                    insert!(app, new).execute(&mut *transaction).await?;
                }
                transaction.commit().await
            }
        }
    }

    fn of_many(&self) -> &'static sql::OfMany {
        match self {
            Self::Lite { .. } => &sql::SQLITE_OF_MANY,
            Self::Pg { .. } => &sql::POSTGRES_OF_MANY,
        }
    }
}

async fn postgres_pool(url: &str, connections: u32) -> anyhow::Result<PgPool> {
    let options: PgConnectOptions = url.parse()?;
    let options = options
        .statement_cache_capacity(STATEMENTS_KEPT)
        .options([("synchronous_commit", "on")])
        .disable_statement_logging();
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(WAIT);
    // As bare as the pool can be: it still asks a connection whether it lives when it comes back.
    Ok(pool.test_before_acquire(false).connect_with(options).await?)
}

fn sqlite_options(file: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT)
        .statement_cache_capacity(STATEMENTS_KEPT)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16384")
        .disable_statement_logging()
}
