//! The connections to one database: at most so many, opened when they are needed, lent one at a time.
//!
//! The driver's own pool asks the database whether a connection lives before and after each use: two
//! more round trips where one statement is all the work. Here a connection whose last statement
//! succeeded goes back as it is, and only one that lay idle, failed or was left in the middle is asked.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::db::WAIT;
use crate::error::{Result, StoreError};

/// For how long an idle connection is believed to live: a server that was restarted, or a network
/// that forgets, ends it without a word.
const BELIEVED: Duration = Duration::from_secs(1);
/// How long a connection that is asked whether it lives may take to say so.
const ASKED: Duration = Duration::from_secs(1);
/// How long a connection is idle at most: those that a peak needed are closed after it.
const IDLE: Duration = Duration::from_mins(10);
/// How old a connection becomes, so that a server which moved is found and its memory is freed.
const OLD: Duration = Duration::from_mins(30);

/// A driver's connection that statements run on.
pub(crate) trait Driver:
    Connection<Options: ConnectOptions<Connection = Self>> + fmt::Debug + 'static
{
    /// Runs a statement without parameters or rows.
    fn run(&mut self, sql: &'static str) -> BoxFuture<'_, Result<(), sqlx::Error>>;
}

impl Driver for SqliteConnection {
    fn run(&mut self, sql: &'static str) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move { self.execute(sql).await.map(drop) })
    }
}

impl Driver for PgConnection {
    fn run(&mut self, sql: &'static str) -> BoxFuture<'_, Result<(), sqlx::Error>> {
        Box::pin(async move { self.execute(sql).await.map(drop) })
    }
}

/// The handle to the connections; clones share them.
#[derive(Debug)]
pub(crate) struct Connections<C: Driver>(Arc<Home<C>>);

#[derive(Debug)]
struct Home<C: Driver> {
    options: C::Options,
    most: u32,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle<C>>>,
    /// Where connections are mended, and opened once they came home. A socket belongs to the runtime
    /// that opened it: who waits for it elsewhere is woken by way of that one.
    runtime: Handle,
    /// Since when connections are opened on `runtime` alone, and older ones are not lent again.
    at_home: OnceLock<Instant>,
}

#[derive(Debug)]
struct Idle<C> {
    conn: C,
    born: Instant,
    since: Instant,
    /// Whether it is lent without being asked while it has lain idle only shortly.
    believed: bool,
}

/// A lent connection. It goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Lease<C: Driver> {
    lent: Option<Lent<C>>,
    /// Whether a statement runs, failed or was left in the middle.
    unsure: bool,
    /// Whether a transaction is open.
    open: bool,
    home: Arc<Home<C>>,
}

#[derive(Debug)]
struct Lent<C> {
    conn: C,
    born: Instant,
    permit: OwnedSemaphorePermit,
}

impl<C: Driver> Clone for Connections<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Driver> Connections<C> {
    /// At most `most` connections; none is opened yet. Each will live on the runtime of who needs it
    /// first, until [`Connections::come_home`].
    pub(crate) fn new(options: C::Options, most: u32) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(most).unwrap_or(usize::MAX)));
        let (idle, runtime, at_home) = (Mutex::default(), Handle::current(), OnceLock::new());
        Self(Arc::new(Home { options, most, permits, idle, runtime, at_home }))
    }

    /// A connection, once one is free.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when none is free or can be opened within [`WAIT`].
    pub(crate) async fn lease(&self) -> Result<Lease<C>> {
        timeout(WAIT, self.wait()).await.unwrap_or(Err(StoreError::Unavailable {
            reason: "no connection was free",
            source: None,
        }))
    }

    async fn wait(&self) -> Result<Lease<C>> {
        let home = &self.0;
        let permit = Arc::clone(&home.permits).acquire_owned().await.map_err(|_| {
            StoreError::Unavailable { reason: "the connections are closed", source: None }
        })?;
        let idle = home.idle().pop();
        let (conn, born) = match idle {
            Some(idle) if idle.is_believed() => (idle.conn, idle.born),
            Some(idle) => self.asked(idle).await?,
            None => self.opened().await?,
        };
        let lent = Some(Lent { conn, born, permit });
        Ok(Lease { lent, unsure: false, open: false, home: Arc::clone(home) })
    }

    /// A connection that lay idle, or a new one in its place.
    async fn asked(&self, mut idle: Idle<C>) -> Result<(C, Instant)> {
        if idle.born.elapsed() < OLD {
            match timeout(ASKED, idle.conn.ping()).await {
                Ok(Ok(())) => return Ok((idle.conn, idle.born)),
                // The others may have gone the same way: they are not asked one after the other.
                Ok(Err(_)) | Err(_) => drop(self.0.take_idle()),
            }
        }
        self.opened().await
    }

    async fn opened(&self) -> Result<(C, Instant)> {
        let home = Arc::clone(&self.0);
        let opening = async move { home.options.connect().await };
        let conn = if self.0.at_home.get().is_some() {
            self.0.runtime.spawn(opening).await.map_err(|_| StoreError::Unavailable {
                reason: "the connection was not opened",
                source: None,
            })?
        } else {
            opening.await
        };
        Ok((conn.map_err(|e| StoreError::from_sqlx("connect", e))?, Instant::now()))
    }

    /// Lets go of every connection once it is back, and opens those that come after on the runtime
    /// that this was made on. The others, such as those of HTTP workers, may end then. Waits at most
    /// [`WAIT`] for those that are lent.
    pub(crate) async fn come_home(&self) {
        let home = &self.0;
        home.at_home.get_or_init(Instant::now);
        // Who asks later waits behind this; it fails only where the connections are closed.
        let all = timeout(WAIT, home.permits.acquire_many(home.most)).await;
        let idle = home.take_idle();
        if all.is_err() {
            tracing::warn!("a statement takes long: it may be lost at the end");
        }
        drop(all);
        end(idle).await;
    }

    /// Waits until every connection is back and closes them. Nobody gets one afterwards.
    pub(crate) async fn close(&self) {
        let home = &self.0;
        // Fails only where another call has closed them.
        if let Ok(all) = home.permits.acquire_many(home.most).await {
            home.permits.close();
            drop(all);
        }
        end(home.take_idle()).await;
    }
}

/// Says goodbye to the server.
async fn end<C: Driver>(connections: Vec<Idle<C>>) {
    for idle in connections {
        if let Err(error) = idle.conn.close().await {
            let error = StoreError::from_sqlx("close", error);
            tracing::warn!(error = %error, "closing a connection");
        }
    }
}

impl<C: Driver> Home<C> {
    fn idle(&self) -> MutexGuard<'_, Vec<Idle<C>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Vec<Idle<C>> {
        std::mem::take(&mut self.idle())
    }

    /// Says that the server, or the way to it, is not what it was: no idle connection is believed.
    fn lost(&self) {
        self.idle().iter_mut().for_each(|idle| idle.believed = false);
    }

    /// The one that came back last is lent first: what it knows is still in memory. The one that was
    /// not needed for longest is given up in its time.
    fn take_back(&self, lent: Lent<C>) {
        let Lent { conn, born, permit } = lent;
        if self.at_home.get().is_some_and(|since| born < *since) {
            return;
        }
        let mut idle = self.idle();
        idle.push(Idle { conn, born, since: Instant::now(), believed: true });
        let spare = idle.first().is_some_and(|first| first.since.elapsed() > IDLE);
        let spare = if spare { Some(idle.remove(0)) } else { None };
        drop(idle);
        drop((spare, permit));
    }

    /// Ends what a lease left behind, or the connection.
    async fn mend(self: Arc<Self>, mut lent: Lent<C>, open: bool) {
        let usable =
            async { if open { lent.conn.run("ROLLBACK").await } else { lent.conn.ping().await } };
        if let Ok(Ok(())) = timeout(WAIT, usable).await {
            self.take_back(lent);
        } else {
            // It is dropped, and its place is free for a new one.
            self.lost();
            tracing::warn!("a connection broke");
        }
    }
}

impl<C> Idle<C> {
    fn is_believed(&self) -> bool {
        self.believed && self.since.elapsed() < BELIEVED && self.born.elapsed() < OLD
    }
}

impl<C: Driver> Lease<C> {
    /// The connection, about to be used: until [`Lease::settled`] it is not known to be usable again.
    pub(crate) fn use_it(&mut self) -> Result<&mut C> {
        self.unsure = true;
        let lent = self.lent.as_mut().ok_or(StoreError::Damaged("a connection that went back"))?;
        Ok(&mut lent.conn)
    }

    /// Says that the server, or the way to it, is not what it was.
    pub(crate) fn lost(&self) {
        self.home.lost();
    }

    /// Says that the last statement succeeded.
    pub(crate) fn settled(&mut self) {
        self.unsure = false;
    }

    /// Begins a transaction by `sql`. Dropped before [`Lease::commit`], it is rolled back.
    pub(crate) async fn begin(&mut self, sql: &'static str) -> Result<()> {
        self.open = true;
        self.run("begin", sql).await
    }

    /// Commits the transaction, if one began.
    pub(crate) async fn commit(mut self) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        self.run("commit", "COMMIT").await?;
        self.open = false;
        Ok(())
    }

    async fn run(&mut self, name: &'static str, sql: &'static str) -> Result<()> {
        let done = self.use_it()?.run(sql).await.map_err(|e| StoreError::from_sqlx(name, e));
        match &done {
            Ok(()) => self.settled(),
            Err(error) if error.is_of_the_server() => self.lost(),
            Err(_) => {}
        }
        done
    }
}

impl<C: Driver> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(lent) = self.lent.take() else { return };
        if !self.unsure && !self.open {
            self.home.take_back(lent);
        } else {
            // It holds the permit that `close` waits for.
            self.home.runtime.spawn(Arc::clone(&self.home).mend(lent, self.open));
        }
    }
}
