//! The worker: leases jobs, does their steps, and keeps house. Any number of nodes run one each.
//!
//! A job is a row that stays leased while it is worked on; nothing else is held. Each step commits
//! its own marker, so a worker that dies, or whose lease was lost, leaves a job that any other
//! resumes. Every write of a step that must happen once stands in one transaction with that marker
//! or with the lease.

mod failure;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use oubli_domain::clock::CLOCKS_SECONDS;
use oubli_domain::request::{RequestState, Transition};
use oubli_domain::{JobId, Refusal, RequestId, Right, Time};
use oubli_store::app_tables::LEAVING;
use oubli_store::jobs::{self, Job};
use oubli_store::requests::{self, Request};
use oubli_store::{Result as StoreResult, StoreError, Tx};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::failure::{BACKOFF_SECONDS, backoff, give_up, is_buried, reason, report};
use crate::error::{Error, Result};
use crate::housekeeping::{self, House};
use crate::oubli::Oubli;
use crate::{erasure, export, kept_items, leaving};

/// How many jobs a node works on at once. Erasures that end together share one cleaning of the
/// database files.
const CONCURRENCY: usize = 16;
/// How long a lease lasts, in seconds.
const LEASE_SECONDS: i64 = 15;
/// How often a lease is renewed while its job is worked on.
const RENEW: Duration = Duration::from_secs(5);
/// How long a step may go on once the worker was told to stop; then its job is given back.
const STEP_GRACE: Duration = Duration::from_secs(20);
/// How long the worker sleeps when nothing wakes it.
const POLL: Duration = Duration::from_secs(1);

const ERASURE: &str = "erasure";
const EXPORT: &str = "export";
/// The kind of the job by which kept items go.
pub(crate) const KEPT_ITEMS: &str = "kept_items";

/// The kind of job that serves a right.
pub(crate) fn kind_of(right: Right) -> &'static str {
    if right == Right::Erasure { ERASURE } else { EXPORT }
}

/// What a step leaves to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Next {
    /// The next step, at once.
    Again,
    /// The same step, not before this time.
    At(Time),
    /// Nothing: the step ended its job.
    Done,
}

/// A job and the token that makes its writes count.
#[derive(Clone, Debug)]
pub(crate) struct Leased {
    pub(crate) job: Job,
    pub(crate) lease: Uuid,
}

impl Leased {
    /// The request that the job serves.
    pub(crate) async fn request(&self, oubli: &Oubli) -> Result<Request> {
        let id: RequestId = self.job.payload.parse().map_err(|_| Error::Damaged("jobs.payload"))?;
        let mut conn = oubli.data().conn().await?;
        let found = requests::get(&mut conn, &self.job.app, id).await?;
        found.ok_or(Error::Damaged("a job without its request"))
    }

    /// Deletes the job in the transaction of its last write.
    ///
    /// # Errors
    /// `Stale` when the lease was lost: the write must not count.
    pub(crate) async fn finish(&self, tx: &mut Tx) -> StoreResult<()> {
        still_ours(jobs::finish(tx, &self.job.app, self.job.job, self.lease).await?)
    }

    /// Holds the job until the end of the transaction, and renews the lease.
    ///
    /// # Errors
    /// `Stale` when the lease was lost: the write must not count.
    pub(crate) async fn hold(&self, tx: &mut Tx, now: Time) -> StoreResult<()> {
        let until = now.plus_seconds(LEASE_SECONDS);
        still_ours(jobs::extend(tx, &self.job.app, self.job.job, self.lease, until).await?)
    }
}

fn still_ours(held: bool) -> StoreResult<()> {
    if held { Ok(()) } else { Err(StoreError::Stale) }
}

/// Leases jobs that are due.
pub(crate) async fn lease(oubli: &Oubli, limit: usize) -> Result<Vec<Leased>> {
    let lease = uuid::Builder::from_random_bytes(oubli_vault::random_bytes()).into_uuid();
    let now = oubli.now();
    let until = now.plus_seconds(LEASE_SECONDS);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let longest = BACKOFF_SECONDS.max(oubli.held_keys_seconds()).saturating_add(CLOCKS_SECONDS);
    let furthest = now.plus_seconds(longest);
    let jobs = jobs::lease(oubli.data(), lease, now, until, furthest, limit).await?;
    Ok(jobs.into_iter().map(|job| Leased { job, lease }).collect())
}

/// Does one step of a job.
pub(crate) async fn step(oubli: &Oubli, leased: &Leased) -> Result<Next> {
    match leased.job.kind.as_str() {
        ERASURE => erasure::step(oubli, leased).await,
        // A bundle's writer is large; most jobs never need one.
        EXPORT => Box::pin(export::step(oubli, leased)).await,
        LEAVING => leaving::step(oubli, leased).await,
        KEPT_ITEMS => kept_items::step(oubli, leased).await,
        _ => Err(Error::Damaged("jobs.kind")),
    }
}

/// The worker of a node.
#[derive(Debug)]
pub struct Worker {
    oubli: Arc<Oubli>,
    stop: CancellationToken,
}

impl Worker {
    /// A worker that runs until `stop` is cancelled.
    #[must_use]
    pub fn new(oubli: Arc<Oubli>, stop: CancellationToken) -> Self {
        Self { oubli, stop }
    }

    /// Works until told to stop, and returns once the steps in hand have ended or their jobs were given
    /// back.
    pub async fn run(self) {
        let mut working = FuturesUnordered::new();
        // Measured by what never steps back: the machine's clock may, and by any time.
        let mut kept_house: Option<Instant> = None;
        let mut house = House::default();
        while !self.stop.is_cancelled() {
            self.oubli.node().beat(Some(self.oubli.now()));
            self.oubli.keyring().sweep();
            if kept_house.is_none_or(|at| at.elapsed() >= housekeeping::EVERY) {
                beside(&mut working, house.turn(&self.oubli, Instant::now())).await;
                kept_house = Some(Instant::now());
            }
            let free = CONCURRENCY - working.len();
            for leased in beside(&mut working, self.lease(free)).await {
                working.push(self.work(leased));
            }
            let full = working.len() == CONCURRENCY;
            tokio::select! {
                () = self.stop.cancelled() => {}
                Some(()) = working.next() => {}
                () = self.oubli.node().woken(), if !full => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        while working.next().await.is_some() {}
        self.oubli.node().beat(None);
    }

    /// Works on every job that is due by the clock until none is, and keeps house once: for tests
    /// and for a command that must see the end of what it asked for. Gives how many turns of work
    /// there were.
    ///
    /// # Errors
    /// When no job can be leased.
    pub async fn run_until_idle(&self) -> Result<usize> {
        let mut turns = 0;
        housekeeping::run(&self.oubli).await;
        loop {
            let leased = lease(&self.oubli, CONCURRENCY).await?;
            if leased.is_empty() {
                return Ok(turns);
            }
            turns += leased.len();
            let mut working: FuturesUnordered<_> =
                leased.into_iter().map(|leased| self.work(leased)).collect();
            while working.next().await.is_some() {}
        }
    }

    async fn lease(&self, free: usize) -> Vec<Leased> {
        if free == 0 {
            return Vec::new();
        }
        lease(&self.oubli, free).await.unwrap_or_else(|error| {
            tracing::warn!(error = %error, "no job could be leased");
            Vec::new()
        })
    }

    /// Works on one job until it is done, must wait, or fails.
    async fn work(&self, leased: Leased) {
        // Side by side: steps that stood still meanwhile would hold the row that is renewed.
        let result = tokio::select! {
            result = caught(self.steps(&leased)) => result,
            error = self.keep(&leased) => Err(error),
            () = self.overdue() => Ok(Next::At(self.oubli.now())),
        };
        if let Err(error) = self.settle(&leased, result).await {
            tracing::warn!(error = %error, job = %leased.job.job, "a job is left to its lease's end");
        }
    }

    async fn steps(&self, leased: &Leased) -> Result<Next> {
        loop {
            match step(&self.oubli, leased).await? {
                Next::Again if self.stop.is_cancelled() => return Ok(Next::At(self.oubli.now())),
                Next::Again => {}
                other => return Ok(other),
            }
        }
    }

    /// Renews a lease until it is lost. A worker that lost its lease drops the work where it stands:
    /// whoever has it now resumes from the last step that committed.
    async fn keep(&self, leased: &Leased) -> Error {
        loop {
            tokio::time::sleep(RENEW).await;
            match self.renew(leased).await {
                Ok(()) => {}
                Err(lost @ Error::Store(StoreError::Stale)) => return lost,
                // The job is ours until another worker takes it, and then the next try says so.
                Err(error) => {
                    tracing::warn!(error = %error, job = %leased.job.job, "a lease was not renewed");
                }
            }
        }
    }

    /// Ends when the worker was told to stop and the steps in hand have had their time. What a step
    /// was doing is done again by whoever takes its job.
    async fn overdue(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(STEP_GRACE).await;
    }

    async fn renew(&self, leased: &Leased) -> Result<()> {
        let (leased, now) = (leased.clone(), self.oubli.now());
        let renewed = self.oubli.data().write("jobs.extend", move |tx| {
            let leased = leased.clone();
            Box::pin(async move { leased.hold(tx, now).await })
        });
        Ok(renewed.await?)
    }

    /// Writes down how a turn of work ended.
    async fn settle(&self, leased: &Leased, result: Result<Next>) -> Result<()> {
        let now = self.oubli.now();
        match result {
            Ok(Next::At(at)) => self.defer(leased, at).await,
            Ok(Next::Again) => self.defer(leased, now).await,
            // Done, or the lease was lost and the job is somebody else's.
            Ok(Next::Done) | Err(Error::Store(StoreError::Stale)) => Ok(()),
            Err(error) => {
                report(&leased.job, &error);
                self.fail(leased, reason(&error), now).await
            }
        }
    }

    async fn defer(&self, leased: &Leased, at: Time) -> Result<()> {
        let (app, job, lease) = place(leased);
        let deferred = self.oubli.data().write("jobs.defer", move |tx| {
            let app = app.clone();
            Box::pin(async move { jobs::defer(tx, &app, job, lease, at).await })
        });
        deferred.await?;
        Ok(())
    }

    async fn fail(&self, leased: &Leased, reason: &'static str, now: Time) -> Result<()> {
        let leased = leased.clone();
        let failed = self.oubli.data().write("jobs.fail", move |tx| {
            let leased = leased.clone();
            Box::pin(async move {
                let (app, job, lease) = place(&leased);
                if is_buried(&leased.job) {
                    still_ours(jobs::bury(tx, &app, job, lease, reason).await?)?;
                    return give_up(tx, &leased.job, reason, now).await;
                }
                let at = now.plus_seconds(backoff(leased.job.attempts));
                jobs::retry(tx, &app, job, lease, at, reason).await.map(drop)
            })
        });
        Ok(failed.await?)
    }
}

/// The state of a request that its job works on, or works on again after it had failed.
///
/// # Errors
/// `illegal-transition` when nothing can happen to the request any more.
pub(crate) fn working(request: &Request) -> Result<RequestState, Refusal> {
    match request.state {
        RequestState::Running => Ok(RequestState::Running),
        RequestState::Failed => request.state.after(Transition::Retry, request.right),
        state => state.after(Transition::Start, request.right),
    }
}

fn place(leased: &Leased) -> (oubli_domain::AppId, JobId, Uuid) {
    (leased.job.app.clone(), leased.job.job, leased.lease)
}

/// Waits for `other` while the jobs in hand go on. A job that stood still would keep the database
/// connection that it has, or was just handed, for which `other` may be waiting.
async fn beside<T>(
    working: &mut FuturesUnordered<impl Future<Output = ()>>,
    other: impl Future<Output = T>,
) -> T {
    tokio::pin!(other);
    loop {
        tokio::select! {
            done = &mut other => return done,
            Some(()) = working.next() => {}
        }
    }
}

/// A turn of work whose panic is an attempt that failed: the other jobs of the node go on.
async fn caught(work: impl Future<Output = Result<Next>>) -> Result<Next> {
    // What the turn held is dropped with it; all it shares with others bears being left half-way.
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(Error::TaskEnded("a job panicked")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Next, caught};
    use crate::error::Error;

    #[tokio::test]
    async fn a_panic_is_a_failed_attempt() {
        assert_eq!(caught(async { Ok(Next::Done) }).await.unwrap(), Next::Done);
        let panicked = caught(async { panic!("in a job") }).await;
        assert!(matches!(panicked, Err(Error::TaskEnded(_))));
    }
}
