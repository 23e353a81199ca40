//! One database of either engine: how it is opened, read and written.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, PgConnection, SqliteConnection};
use tokio_util::task::TaskTracker;

use crate::conn::{Conn, Inner, Tx};
use crate::connections::Connections;
use crate::error::{Result, StoreError};
use crate::measures::{Measure, Measures};
use crate::migrate::{self, Schema};
use crate::pg_write;
use crate::writer::Writer;

/// How long a call waits for a connection or a row lock before it answers that it cannot.
pub const WAIT: Duration = Duration::from_secs(5);

/// Where a database is.
#[derive(Clone, Debug)]
pub enum Location {
    /// A SQLite file; it is made when it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL URL. It may hold a password: it is never shown.
    Postgres(String),
}

/// A database: `data` or `keys`.
#[derive(Clone, Debug)]
pub struct Db {
    schema: Schema,
    engine: Engine,
    measures: Arc<Measures>,
}

#[derive(Clone, Debug)]
enum Engine {
    /// Without a writer it can only be looked at.
    Lite {
        reads: Connections<SqliteConnection>,
        writer: Option<Arc<Writer>>,
    },
    Pg {
        pool: Connections<PgConnection>,
        tasks: TaskTracker,
    },
}

/// The work of a write transaction. It may run more than once, so it must change nothing but its
/// transaction, and make ids, times and ciphertext before it.
pub trait Work<T>:
    for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static
{
}
impl<T, F> Work<T> for F where
    F: for<'t> Fn(&'t mut Tx) -> BoxFuture<'t, Result<T>> + Send + Sync + 'static
{
}

impl Db {
    /// Opens a database. SQLite files are created and migrated; a PostgreSQL schema must be there.
    ///
    /// # Errors
    /// When it cannot be reached, or its schema and this binary do not fit; nothing was changed then.
    pub async fn open(schema: Schema, at: &Location, connections: u32) -> Result<Self> {
        let engine = match at {
            Location::Sqlite(file) => Self::open_sqlite(schema, file, connections).await?,
            Location::Postgres(url) => Self::open_postgres(url, connections).await?,
        };
        let db = Self::of(schema, engine);
        migrate::require_current(&db).await?;
        db.require_scrub().await?;
        Ok(db)
    }

    /// Opens a database only to look at its migrations or to apply them.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn open_for_migration(schema: Schema, at: &Location) -> Result<Self> {
        let engine = match at {
            Location::Sqlite(file) => Self::open_lite_engine(file, 1).await?,
            Location::Postgres(url) => Self::open_postgres(url, 2).await?,
        };
        Ok(Self::of(schema, engine))
    }

    /// Opens a database that no call on this handle can write to, whatever its schema is. What the
    /// write-ahead log of SQLite holds is seen and stays there, also after a crash; beside a file
    /// SQLite may make its index (`-shm`) and an empty log, which hold nothing.
    ///
    /// # Errors
    /// When it cannot be reached; a SQLite file that is not there is not made.
    pub async fn open_to_look(schema: Schema, at: &Location) -> Result<Self> {
        let engine = match at {
            Location::Sqlite(file) => {
                let reads = readers(sqlite_options(file), 1);
                // They are opened only when they are asked for.
                drop(reads.lease().await?);
                Engine::Lite { reads, writer: None }
            }
            Location::Postgres(url) => {
                let options =
                    postgres_options(url)?.options([("default_transaction_read_only", "on")]);
                Self::connect_postgres(options, 1).await?
            }
        };
        Ok(Self::of(schema, engine))
    }

    fn of(schema: Schema, engine: Engine) -> Self {
        Self { schema, engine, measures: Arc::default() }
    }

    async fn open_sqlite(schema: Schema, file: &Path, connections: u32) -> Result<Engine> {
        let engine = Self::open_lite_engine(file, connections).await?;
        migrate::apply(&Self::of(schema, engine.clone())).await?;
        Ok(engine)
    }

    async fn open_lite_engine(file: &Path, connections: u32) -> Result<Engine> {
        let options = sqlite_options(file).journal_mode(SqliteJournalMode::Wal);
        let writer = Writer::start(options.clone().create_if_missing(true)).await?;
        let reads = readers(options, connections);
        Ok(Engine::Lite { reads, writer: Some(Arc::new(writer)) })
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Engine> {
        Self::connect_postgres(postgres_options(url)?, connections).await
    }

    async fn connect_postgres(options: PgConnectOptions, connections: u32) -> Result<Engine> {
        let pool = Connections::new(options, connections);
        drop(pool.lease().await?);
        Ok(Engine::Pg { pool, tasks: TaskTracker::new() })
    }

    /// Which of the two databases this is.
    #[must_use]
    pub fn schema(&self) -> Schema {
        self.schema
    }

    /// `sqlite` or `postgres`.
    #[must_use]
    pub fn engine_name(&self) -> &'static str {
        match self.engine {
            Engine::Lite { .. } => "sqlite",
            Engine::Pg { .. } => "postgres",
        }
    }

    /// A connection for reads of one query each.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none is free for [`WAIT`].
    pub async fn conn(&self) -> Result<Conn> {
        Ok(Conn::new(match &self.engine {
            Engine::Lite { reads, .. } => Inner::Lite(reads.lease().await?),
            Engine::Pg { pool, .. } => Inner::Pg(pool.lease().await?),
        }))
    }

    /// A connection whose queries all see the same moment. Drop it within 5 seconds.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none is free for [`WAIT`].
    pub async fn snapshot(&self) -> Result<Conn> {
        let mut conn = self.conn().await?;
        match &mut conn.inner {
            Inner::Lite(lease) => lease.begin("BEGIN").await?,
            Inner::Pg(lease) => {
                lease.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
            }
            Inner::LiteWriter(_) => return Err(StoreError::Damaged("not a connection for reads")),
        }
        Ok(conn)
    }

    /// Runs `work` in a write transaction called `name` and answers after its COMMIT. It is run
    /// again when another transaction was in the way, and goes on when its caller goes away.
    ///
    /// # Errors
    /// What `work` fails with, and [`StoreError::Unavailable`]; nothing is kept then. When the
    /// connection breaks at COMMIT itself, nobody can know; an idempotency key makes a repeat safe.
    pub async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Work<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        let result = match &self.engine {
            Engine::Lite { writer: Some(writer), .. } => writer.write(name, work).await,
            Engine::Lite { writer: None, .. } => Err(StoreError::LookOnly),
            Engine::Pg { pool, tasks } => {
                pg_write::write(pool, tasks, Arc::clone(&self.measures), name, work).await
            }
        };
        self.measures.answered(name, begun.elapsed());
        result
    }

    /// What the write transactions of this handle and its clones took so far, by name. One whose
    /// caller went away before its answer is not counted.
    #[must_use]
    pub fn measures(&self) -> BTreeMap<&'static str, Measure> {
        self.measures.all()
    }

    /// Moves what the SQLite write-ahead log holds into the database file and empties the log, so
    /// that deleted rows are in no file. PostgreSQL has no such step: there the key is what goes.
    ///
    /// # Errors
    /// [`StoreError::Contention`] while a reader still needs the log: try again.
    pub async fn truncate_log(&self) -> Result<()> {
        match &self.engine {
            Engine::Lite { writer: Some(writer), .. } => writer.truncate_log().await,
            Engine::Lite { writer: None, .. } => Err(StoreError::LookOnly),
            Engine::Pg { .. } => Ok(()),
        }
    }

    /// Makes the connections to a server live on the runtime that opened this: the others may end
    /// then. Waits for the statements that run; SQLite has none that belong to a runtime.
    pub async fn come_home(&self) {
        if let Engine::Pg { pool, .. } = &self.engine {
            pool.come_home().await;
        }
    }

    /// Ends open work and closes the connections.
    pub async fn close(&self) {
        match &self.engine {
            Engine::Lite { reads, writer } => {
                reads.close().await;
                if let Some(writer) = writer {
                    writer.stop().await;
                }
            }
            Engine::Pg { pool, tasks } => {
                tasks.close();
                tasks.wait().await;
                pool.close().await;
            }
        }
    }

    pub(crate) fn lite_reads(&self) -> Option<&Connections<SqliteConnection>> {
        match &self.engine {
            Engine::Lite { reads, .. } => Some(reads),
            Engine::Pg { .. } => None,
        }
    }

    pub(crate) fn lite_writer(&self) -> Option<&Writer> {
        match &self.engine {
            Engine::Lite { writer, .. } => writer.as_deref(),
            Engine::Pg { .. } => None,
        }
    }

    pub(crate) fn pg_pool(&self) -> Option<&Connections<PgConnection>> {
        match &self.engine {
            Engine::Pg { pool, .. } => Some(pool),
            Engine::Lite { .. } => None,
        }
    }
}

fn readers(options: SqliteConnectOptions, connections: u32) -> Connections<SqliteConnection> {
    // Each forgets its pages with the next commit: a large memory of each would only add up.
    Connections::new(options.read_only(true).pragma("cache_size", "-2048"), connections)
}

/// Durable on COMMIT, deleted content overwritten, statements never logged. The journal's mode is the
/// file's own: only who may write sets it.
fn sqlite_options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(WAIT)
        .statement_cache_capacity(512)
        .pragma("secure_delete", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("cache_size", "-16384")
        // 16 MiB of log between checkpoints: pages that many transactions change are written once.
        .pragma("wal_autocheckpoint", "4096")
        .disable_statement_logging()
}

/// Durable on COMMIT whatever the server's default is; no lock or idle transaction outlives its bound.
fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    let options: PgConnectOptions =
        url.parse().map_err(|_| StoreError::Open("the PostgreSQL URL is not valid".to_owned()))?;
    Ok(options
        .application_name("oubli")
        .statement_cache_capacity(256)
        .options([
            ("synchronous_commit", "on"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "10s"),
        ])
        .disable_statement_logging())
}
