//! One connection of either engine. This file holds the only place where the engines part.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, PgConnection, Postgres, Sqlite, SqliteConnection};

use crate::args::Args;
use crate::connections::{Driver, Lease};
use crate::error::{Result, StoreError};
use crate::statement::Statement;

/// A row type that reads from both engines; `#[derive(sqlx::FromRow)]` makes one.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A connection that queries run on. Reads take a `Conn`; writes take a [`Tx`], which only the
/// store's own transactions hand out.
#[derive(Debug)]
pub struct Conn {
    pub(crate) inner: Inner,
    /// The first statement that failed since the transaction, or its savepoint, began.
    pub(crate) failed: Option<&'static str>,
    /// The transaction, or savepoint, that begins with the next statement.
    begin: Option<&'static str>,
    /// Whether nothing was run in a transaction that is to begin.
    untouched: bool,
    /// Whether a statement that ran alone may have done something outside of it.
    outside: bool,
}

#[derive(Debug)]
pub(crate) enum Inner {
    /// The one connection that writes to a SQLite file.
    LiteWriter(SqliteConnection),
    Lite(Lease<SqliteConnection>),
    Pg(Lease<PgConnection>),
}

/// The connection of a write transaction.
#[derive(Debug)]
pub struct Tx(pub(crate) Conn);

impl std::ops::Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl std::ops::DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

enum Engine<'c> {
    Lite(&'c mut SqliteConnection),
    Pg(&'c mut PgConnection),
}

/// Runs `$body` once for each engine, where `Database` names the engine's type and `$kept` says
/// whether the statement stays prepared.
macro_rules! dispatch {
    ($conn:expr, $statement:expr, $args:expr, |$sql:ident, $bound:ident, $kept:ident, $on:ident| $body:expr) => {{
        let statement: &Statement = $statement;
        let unbound =
            |e| StoreError::Database { statement: statement.name, source: sqlx::Error::Encode(e) };
        $conn.begun().await?;
        let result = match $conn.engine()? {
            Engine::Lite($on) => {
                type Database = Sqlite;
                let ($sql, $bound, $kept) = (statement.lite, $args.lite().map_err(unbound)?, true);
                $body.await
            }
            Engine::Pg($on) => {
                type Database = Postgres;
                let ($sql, $bound, $kept) =
                    (statement.pg, $args.pg().map_err(unbound)?, !statement.anew);
                $body.await
            }
        };
        match result {
            Ok(found) => {
                $conn.settled();
                Ok(found)
            }
            Err(e) => Err($conn.failed(statement.name, e)),
        }
    }};
}

impl Conn {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner, failed: None, begin: None, untouched: false, outside: false }
    }

    fn engine(&mut self) -> Result<Engine<'_>> {
        Ok(match &mut self.inner {
            Inner::LiteWriter(conn) => Engine::Lite(conn),
            Inner::Lite(lease) => Engine::Lite(lease.use_it()?),
            Inner::Pg(lease) => Engine::Pg(lease.use_it()?),
        })
    }

    /// Begins the transaction that is to begin.
    async fn begun(&mut self) -> Result<()> {
        self.untouched = false;
        let Some(sql) = self.begin.take() else { return Ok(()) };
        let begun = match &mut self.inner {
            Inner::LiteWriter(conn) => {
                conn.run(sql).await.map_err(|e| StoreError::from_sqlx("begin", e))
            }
            Inner::Lite(lease) => lease.begin(sql).await,
            Inner::Pg(lease) => lease.begin(sql).await,
        };
        if begun.is_err() {
            self.failed.get_or_insert("begin");
        }
        begun
    }

    fn settled(&mut self) {
        match &mut self.inner {
            Inner::LiteWriter(_) => {}
            Inner::Lite(lease) => lease.settled(),
            Inner::Pg(lease) => lease.settled(),
        }
    }

    fn failed(&mut self, statement: &'static str, error: sqlx::Error) -> StoreError {
        self.failed.get_or_insert(statement);
        let error = StoreError::from_sqlx(statement, error);
        if let Inner::Pg(lease) = &self.inner
            && error.is_of_the_server()
        {
            lease.lost();
        }
        error
    }

    /// Every row.
    pub(crate) async fn all<R: Row>(
        &mut self,
        statement: &Statement,
        args: impl Args,
    ) -> Result<Vec<R>> {
        dispatch!(self, statement, args, |sql, bound, kept, on| {
            sqlx::query_as_with::<Database, R, _>(sql, bound).persistent(kept).fetch_all(on)
        })
    }

    /// The row, or none.
    pub(crate) async fn optional<R: Row>(
        &mut self,
        statement: &Statement,
        args: impl Args,
    ) -> Result<Option<R>> {
        dispatch!(self, statement, args, |sql, bound, kept, on| {
            sqlx::query_as_with::<Database, R, _>(sql, bound).persistent(kept).fetch_optional(on)
        })
    }

    /// The one row that must be there, such as a count.
    pub(crate) async fn one<R: Row>(
        &mut self,
        statement: &Statement,
        args: impl Args,
    ) -> Result<R> {
        dispatch!(self, statement, args, |sql, bound, kept, on| {
            sqlx::query_as_with::<Database, R, _>(sql, bound).persistent(kept).fetch_one(on)
        })
    }
}

impl Tx {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Conn::new(inner))
    }

    /// A transaction that begins, by `sql`, with its first statement.
    pub(crate) fn to_begin(inner: Inner, sql: &'static str) -> Self {
        let mut tx = Self::new(inner);
        tx.begins(Some(sql));
        tx
    }

    /// Makes this a transaction, or a part of one, in which nothing ran. It begins, by `sql` if
    /// anything is needed for that, with its first statement.
    pub(crate) fn begins(&mut self, sql: Option<&'static str>) {
        self.0.failed = None;
        self.0.begin = sql;
        self.0.untouched = true;
        self.0.outside = false;
    }

    /// Whether it is still to begin: nothing ran but what [`Tx::alone`] ran.
    pub(crate) fn is_to_begin(&self) -> bool {
        self.0.begin.is_some()
    }

    /// Whether a statement that is a whole transaction by itself may run: nothing else did so far.
    pub(crate) fn is_untouched(&self) -> bool {
        self.0.untouched
    }

    /// Whether a statement that ran alone did something, or failed.
    pub(crate) fn ran_outside(&self) -> bool {
        self.0.outside
    }

    /// Says that the statement that ran alone did nothing: the transaction begins with the next one.
    pub(crate) fn did_nothing(&mut self) {
        self.0.outside = false;
    }

    /// Runs such a statement without beginning the transaction. When it did its work, no other may
    /// follow; else [`Tx::did_nothing`] says so.
    pub(crate) async fn alone<R: Row>(
        &mut self,
        statement: &Statement,
        args: impl Args,
    ) -> Result<R> {
        let begin = self.0.begin.take();
        self.0.outside = true;
        let found = self.0.one(statement, args).await;
        self.0.begin = begin;
        self.0.untouched = true;
        found
    }

    /// What a transaction gave, unless it went on after a statement had failed. PostgreSQL keeps
    /// nothing of such a transaction and calls its COMMIT a success; so both engines refuse it.
    pub(crate) fn checked<T>(&self, result: Result<T>) -> Result<T> {
        match self.0.failed {
            Some(statement) if result.is_ok() => Err(StoreError::Ignored { statement }),
            _ => result,
        }
    }

    /// Whether it is SQLite that runs it.
    pub(crate) fn is_lite(&self) -> bool {
        match &self.0.inner {
            Inner::LiteWriter(_) | Inner::Lite(_) => true,
            Inner::Pg(_) => false,
        }
    }

    /// Runs a write and gives the number of rows it touched.
    pub(crate) async fn execute(&mut self, statement: &Statement, args: impl Args) -> Result<u64> {
        dispatch!(self.0, statement, args, |sql, bound, kept, on| async {
            let query = sqlx::query_with::<Database, _>(sql, bound).persistent(kept);
            let done = query.execute(on).await?;
            Ok(done.rows_affected())
        })
    }

    /// Runs a write that must touch exactly one row.
    ///
    /// # Errors
    /// [`StoreError::RowCount`] when it touched none or more; the transaction is then rolled back.
    pub(crate) async fn execute_one(
        &mut self,
        statement: &Statement,
        args: impl Args,
    ) -> Result<()> {
        match self.execute(statement, args).await? {
            1 => Ok(()),
            actual => Err(StoreError::RowCount { statement: statement.name, expected: 1, actual }),
        }
    }
}
