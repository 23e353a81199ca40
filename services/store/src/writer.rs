//! The one writer of a SQLite file: group commit.
//!
//! SQLite lets one connection write at a time and syncs the disk at each COMMIT. So a task of its
//! own owns that connection and takes work from a queue: it runs what has gathered, each piece in
//! a savepoint of one transaction where it needs one, and answers all of it after the one COMMIT.
//! "Acknowledged" thus means durable, and a hundred callers share one sync.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::conn::{Inner, Tx};
use crate::db::{WAIT, Work};
use crate::error::{Result, StoreError};
use crate::migrate::{self, Schema};

/// The most pieces of work in one transaction.
const GROUP: usize = 128;
/// How long a transaction takes in more work once it has begun.
const GATHER: Duration = Duration::from_millis(10);
/// How many callers may wait; the next one is told that the service is busy.
const QUEUE: usize = 4_096;
/// [`WAIT`], as the connection was opened with.
const BUSY_TIMEOUT: &str = "PRAGMA busy_timeout = 5000";

/// Takes the write lock at once: a transaction that took it later could find that it may not.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A transaction that is not the writer's own.
const NOT_WRITING: StoreError = StoreError::Damaged("not the writing connection");

/// The handle to the writing task.
#[derive(Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Command>,
    task: Mutex<Option<JoinHandle<()>>>,
}

enum Command {
    Write(Box<dyn Piece>),
    TruncateLog(oneshot::Sender<Result<()>>),
    Migrate(Migrator, Schema, oneshot::Sender<Result<()>>),
    Stop,
}

/// A caller's work with its type erased, so that one queue holds all kinds.
trait Piece: Send {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Outcome>;
    /// Answers the caller: what the work gave when `committed`, else why nothing was kept.
    fn answer(self: Box<Self>, committed: Result<()>);
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Outcome {
    Keep,
    Undo,
}

struct Typed<T, F> {
    work: F,
    result: Option<Result<T>>,
    caller: oneshot::Sender<Result<T>>,
}

impl<T: Send + 'static, F: Work<T>> Piece for Typed<T, F> {
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Outcome> {
        Box::pin(async move {
            let bounded = tokio::time::timeout(WAIT, (self.work)(&mut *tx));
            let result = match AssertUnwindSafe(bounded).catch_unwind().await {
                Ok(Ok(result)) => tx.checked(result),
                Ok(Err(_)) => Err(unavailable("the transaction took too long")),
                Err(_) => Err(unavailable("the transaction panicked")),
            };
            let outcome = if result.is_ok() { Outcome::Keep } else { Outcome::Undo };
            self.result = Some(result);
            outcome
        })
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let result = match (self.result, committed) {
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(result), Ok(())) => result,
            (None, Ok(())) => Err(unavailable("the transaction did not run")),
        };
        // A caller that went away does not need the answer; what it asked for is done.
        drop(self.caller.send(result));
    }
}

/// Why a transaction was lost that none of its statements had failed in.
fn lost(error: StoreError) -> StoreError {
    match error {
        StoreError::Full | StoreError::ReadOnly | StoreError::Unavailable { .. } => error,
        _ => unavailable("the disk or the database failed"),
    }
}

fn unavailable(reason: &'static str) -> StoreError {
    StoreError::Unavailable { reason, source: None }
}

impl Writer {
    /// Opens the writing connection and starts its task.
    pub(crate) async fn start(options: SqliteConnectOptions) -> Result<Self> {
        let conn = connect(&options).await?;
        let (queue, work) = mpsc::channel(QUEUE);
        let task = Task { options, conn: Some(conn), work };
        #[expect(clippy::disallowed_methods, reason = "this task is owned: `stop` waits for it")]
        let handle = tokio::spawn(task.run());
        Ok(Self { queue, task: Mutex::new(Some(handle)) })
    }

    /// Queues `work` and waits for the COMMIT that holds it.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Work<T>,
    ) -> Result<T> {
        let (caller, answer) = oneshot::channel();
        let piece = Box::new(Typed { work, result: None, caller });
        self.queue.try_send(Command::Write(piece)).map_err(|_| {
            tracing::warn!(transaction = name, "the write queue is full or closed");
            unavailable("the write queue is full")
        })?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer stopped")))
    }

    /// Empties the write-ahead log between two transactions.
    pub(crate) async fn truncate_log(&self) -> Result<()> {
        let (caller, answer) = oneshot::channel();
        self.queue
            .send(Command::TruncateLog(caller))
            .await
            .map_err(|_| unavailable("the writer stopped"))?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer stopped")))
    }

    /// Applies migrations on the writing connection.
    pub(crate) async fn migrate(&self, migrator: Migrator, schema: Schema) -> Result<()> {
        let (caller, answer) = oneshot::channel();
        self.queue
            .send(Command::Migrate(migrator, schema, caller))
            .await
            .map_err(|_| unavailable("the writer stopped"))?;
        answer.await.unwrap_or_else(|_| Err(unavailable("the writer stopped")))
    }

    /// Runs what is queued, then ends the task.
    pub(crate) async fn stop(&self) {
        if let Some(task) = self.task.lock().await.take() {
            // A closed queue means that the task has ended already; a panic in it was logged.
            drop(self.queue.send(Command::Stop).await);
            drop(task.await);
        }
    }
}

async fn connect(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    options.connect().await.map_err(|e| StoreError::from_sqlx("open", e))
}

struct Task {
    options: SqliteConnectOptions,
    conn: Option<SqliteConnection>,
    work: mpsc::Receiver<Command>,
}

impl Task {
    async fn run(mut self) {
        while let Some(command) = self.work.recv().await {
            match command {
                Command::Write(first) => {
                    if let Some(next) = self.group(first).await
                        && self.other(next).await
                    {
                        break;
                    }
                }
                other => {
                    if self.other(other).await {
                        break;
                    }
                }
            }
        }
        if let Some(conn) = self.conn.take()
            && let Err(error) = conn.close().await
        {
            tracing::warn!(error = %StoreError::from_sqlx("close", error), "closing the writer");
        }
    }

    /// Anything but a write; true when the task must end.
    async fn other(&mut self, command: Command) -> bool {
        match command {
            Command::TruncateLog(caller) => {
                drop(caller.send(self.truncate_log().await));
                false
            }
            Command::Migrate(migrator, schema, caller) => {
                drop(caller.send(self.migrate(&migrator, schema).await));
                false
            }
            Command::Write(piece) => {
                self.group(piece).await;
                false
            }
            Command::Stop => true,
        }
    }

    /// One transaction of as much work as gathers. Gives the command that ended the gathering.
    async fn group(&mut self, first: Box<dyn Piece>) -> Option<Command> {
        let mut done = Vec::new();
        let mut interrupted = None;
        let kept = match self.begin().await {
            Err(_) => {
                done.push(first);
                false
            }
            Ok(mut tx) => {
                let alive = if self.work.is_empty() {
                    let mut first = first;
                    let alive = undivided(&mut tx, first.as_mut()).await;
                    done.push(first);
                    alive.is_ok()
                } else {
                    self.gather(&mut tx, first, &mut done, &mut interrupted).await
                };
                alive && self.commit(tx).await.is_ok()
            }
        };
        if kept {
            for piece in done {
                piece.answer(Ok(()));
            }
        } else {
            self.one_by_one(done).await;
        }
        interrupted
    }

    /// Runs pieces until the queue is empty or a bound is met; false when the transaction died.
    async fn gather(
        &mut self,
        tx: &mut Tx,
        first: Box<dyn Piece>,
        done: &mut Vec<Box<dyn Piece>>,
        interrupted: &mut Option<Command>,
    ) -> bool {
        let begun = Instant::now();
        let mut next = Some(first);
        while let Some(mut piece) = next.take() {
            let alive = in_savepoint(tx, piece.as_mut()).await;
            done.push(piece);
            if alive.is_err() {
                return false;
            }
            if done.len() < GROUP && begun.elapsed() < GATHER {
                match self.work.try_recv() {
                    Ok(Command::Write(piece)) => next = Some(piece),
                    Ok(other) => *interrupted = Some(other),
                    Err(_) => {}
                }
            }
        }
        true
    }

    /// After a transaction that was lost as a whole, runs its pieces again, each in its own, so
    /// that the one at fault fails alone.
    async fn one_by_one(&mut self, pieces: Vec<Box<dyn Piece>>) {
        for mut piece in pieces {
            let committed = self.alone(piece.as_mut()).await;
            piece.answer(committed.map_err(lost));
        }
    }

    async fn alone(&mut self, piece: &mut dyn Piece) -> Result<()> {
        let mut tx = self.begin().await?;
        undivided(&mut tx, piece).await?;
        self.commit(tx).await
    }

    async fn begin(&mut self) -> Result<Tx> {
        let mut conn = self.take_conn().await?;
        execute(&mut conn, BEGIN).await?;
        Ok(Tx::new(Inner::LiteWriter(conn)))
    }

    /// Makes the transaction durable. The connection is kept only then.
    async fn commit(&mut self, tx: Tx) -> Result<()> {
        let Inner::LiteWriter(mut conn) = tx.0.inner else { return Err(NOT_WRITING) };
        let committed = execute(&mut conn, "COMMIT").await;
        match &committed {
            Ok(()) => self.conn = Some(conn),
            Err(error) => {
                tracing::error!(error = %error, "a group of transactions was not committed");
            }
        }
        committed
    }

    /// The connection, or a new one when the last one was lost.
    async fn take_conn(&mut self) -> Result<SqliteConnection> {
        match self.conn.take() {
            Some(conn) => Ok(conn),
            None => connect(&self.options).await,
        }
    }

    /// All migrations in one transaction that writes from its start: the driver has no lock of its
    /// own for SQLite, and another process may be migrating the same file.
    async fn migrate(&mut self, migrator: &Migrator, schema: Schema) -> Result<()> {
        let mut conn = self.take_conn().await?;
        let lost = |e| StoreError::from_sqlx("migrate", e);
        let mut tx = conn.begin_with(BEGIN).await.map_err(lost)?;
        migrator.run_direct(None, &mut *tx, false).await.map_err(|e| migrate::failed(schema, e))?;
        tx.commit().await.map_err(lost)?;
        self.conn = Some(conn);
        Ok(())
    }

    /// Waits for readers only shortly, since all writes wait meanwhile; callers try again.
    async fn truncate_log(&mut self) -> Result<()> {
        let mut conn = self.take_conn().await?;
        execute(&mut conn, "PRAGMA busy_timeout = 50").await?;
        let (busy, _, _) = sqlx::query_as::<_, (i64, i64, i64)>("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&mut conn)
            .await
            .map_err(|e| StoreError::from_sqlx("checkpoint", e))?;
        execute(&mut conn, BUSY_TIMEOUT).await?;
        self.conn = Some(conn);
        if busy == 0 { Ok(()) } else { Err(StoreError::Contention) }
    }
}

/// Runs a piece that has the transaction to itself, and so needs no savepoint.
async fn undivided(tx: &mut Tx, piece: &mut dyn Piece) -> Result<()> {
    tx.begins(None);
    if piece.run(tx).await == Outcome::Undo {
        // An empty transaction is left for the COMMIT that follows.
        raw(tx, "ROLLBACK").await?;
        raw(tx, BEGIN).await?;
    }
    Ok(())
}

/// Runs one piece in a savepoint, which begins when it is needed. It fails when the whole transaction
/// is gone (a full disk ends it behind the savepoint's back, and then `ROLLBACK TO` fails), or must go
/// because what failed was in no savepoint.
async fn in_savepoint(tx: &mut Tx, piece: &mut dyn Piece) -> Result<()> {
    tx.begins(Some("SAVEPOINT piece"));
    let outcome = piece.run(tx).await;
    if outcome == Outcome::Undo && tx.ran_outside() {
        return Err(unavailable("a piece failed in no savepoint"));
    }
    if tx.is_to_begin() {
        return Ok(());
    }
    if outcome == Outcome::Undo {
        raw(tx, "ROLLBACK TO piece").await?;
    }
    raw(tx, "RELEASE piece").await
}

async fn raw(tx: &mut Tx, sql: &'static str) -> Result<()> {
    match &mut tx.0.inner {
        Inner::LiteWriter(conn) => execute(conn, sql).await,
        _ => Err(NOT_WRITING),
    }
}

async fn execute(conn: &mut SqliteConnection, sql: &'static str) -> Result<()> {
    sqlx::query(sql).execute(conn).await.map(drop).map_err(|e| StoreError::from_sqlx(sql, e))
}
