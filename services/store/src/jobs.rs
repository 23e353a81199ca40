//! The job queue: work that a business transaction leaves behind, done later by any node.
//!
//! A worker leases a job: for that time nobody else gets it, and no transaction is held. The
//! token of the lease stands in every later write, so a worker that was too slow cannot end
//! what another one has taken over. A payload holds ids only.

use oubli_domain::{AppId, JobId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::db::Db;
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    ENQUEUE = "insert into jobs (app_id, job_id, kind, subject_id, payload, state, run_at, \
        attempts) values ($1, $2, $3, $4, $5, 'ready', $6, 0)";
    // A leased job's `run_at` is the end of its lease, so that one range of one index holds both
    // the jobs that are due and those whose worker died. Those of a time that cannot be are a second
    // range: one condition for both would walk all that wait between them.
    LEASE = lite "with due as (\
        select app_id, job_id, run_at from (select app_id, job_id, run_at from jobs \
        where state = 'ready' and run_at <= $3 order by run_at limit $4) \
        union all \
        select app_id, job_id, run_at from (select app_id, job_id, run_at from jobs \
        where state = 'ready' and run_at > $5 order by run_at limit $4) \
        order by run_at limit $4) \
        update jobs set lease = $1, run_at = $2, attempts = attempts + 1 from due \
        where jobs.app_id = due.app_id and jobs.job_id = due.job_id \
        returning jobs.app_id, jobs.job_id, jobs.kind, jobs.subject_id, jobs.payload, \
        jobs.attempts"
        pg "with past as materialized (select app_id, job_id, run_at from jobs \
        where state = 'ready' and run_at <= $3 order by run_at limit $4 \
        for update skip locked), \
        impossible as materialized (select app_id, job_id, run_at from jobs \
        where state = 'ready' and run_at > $5 order by run_at limit $4 \
        for update skip locked), \
        due as materialized (select app_id, job_id, run_at from past \
        union all select app_id, job_id, run_at from impossible \
        order by run_at limit $4) \
        update jobs set lease = $1, run_at = $2, attempts = attempts + 1 from due \
        where jobs.app_id = due.app_id and jobs.job_id = due.job_id \
        returning jobs.app_id, jobs.job_id, jobs.kind, jobs.subject_id, jobs.payload, \
        jobs.attempts";
    EXTEND = "update jobs set run_at = $4 where app_id = $1 and job_id = $2 and lease = $3";
    FINISH = "delete from jobs where app_id = $1 and job_id = $2 and lease = $3";
    RETRY = "update jobs set lease = null, run_at = $4, last_error = $5 \
        where app_id = $1 and job_id = $2 and lease = $3";
    DEFER = "update jobs set lease = null, run_at = $4, attempts = attempts - 1 \
        where app_id = $1 and job_id = $2 and lease = $3";
    BURY = "update jobs set lease = null, state = 'dead', last_error = $4 \
        where app_id = $1 and job_id = $2 and lease = $3";
    COUNTS = "select count(*) filter (where state = 'ready' and lease is null) as ready, \
        count(*) filter (where lease is not null) as leased, \
        count(*) filter (where state = 'dead') as dead from jobs";
    NEXT_DUE = "select run_at from jobs where state = 'ready' order by run_at limit 1";
}

/// A job as it is queued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewJob<'a> {
    /// The app it works for.
    pub app: AppId,
    /// Its id.
    pub job: JobId,
    /// Which handler does it.
    pub kind: &'static str,
    /// Whom it is about: it goes when that person's data goes.
    pub subject: Option<SubjectId>,
    /// What the handler needs, ids only.
    pub payload: &'a str,
    /// Not before this time.
    pub run_at: Time,
}

/// A leased job.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Job {
    /// The app it works for.
    pub app: AppId,
    /// Its id.
    pub job: JobId,
    /// Which handler does it.
    pub kind: String,
    /// Whom it is about.
    pub subject: Option<SubjectId>,
    /// What the handler needs, ids only.
    pub payload: String,
    /// How often it was leased, this time included.
    pub attempts: i64,
}

/// How many jobs there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, sqlx::FromRow)]
pub struct Counts {
    /// Waiting, due or not.
    pub ready: i64,
    /// Being worked on, or left by a worker that died.
    pub leased: i64,
    /// Given up.
    pub dead: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    app_id: String,
    job_id: Uuid,
    kind: String,
    subject_id: Option<Uuid>,
    payload: String,
    attempts: i64,
}

impl Row {
    fn read(self) -> Result<Job> {
        Ok(Job {
            app: AppId::new(self.app_id).map_err(|_| StoreError::Damaged("jobs.app_id"))?,
            job: JobId(self.job_id),
            kind: self.kind,
            subject: self.subject_id.map(SubjectId),
            payload: self.payload,
            attempts: self.attempts,
        })
    }
}

/// Queues a job in the business transaction: it runs if and only if that commits.
///
/// # Errors
/// [`StoreError::Duplicate`] when the app has a job of this id.
pub async fn enqueue(tx: &mut Tx, new: &NewJob<'_>) -> Result<()> {
    let args = (&new.app, new.job, new.kind, new.subject, new.payload, new.run_at);
    tx.execute_one(&ENQUEUE, args).await
}

/// Leases at most `limit` jobs that are due at `now`, the oldest first, until `until`. `lease` is a
/// fresh token; the call counts as an attempt of each job. No job waits until after `furthest`: one
/// that says so was put there before the clock stepped back, and is due.
///
/// # Errors
/// [`StoreError::Unavailable`], or when the database fails; nothing is leased then.
pub async fn lease(
    db: &Db,
    lease: Uuid,
    now: Time,
    until: Time,
    furthest: Time,
    limit: i64,
) -> Result<Vec<Job>> {
    let rows = db
        .write("lease jobs", move |tx| {
            Box::pin(
                async move { tx.all::<Row>(&LEASE, (lease, until, now, limit, furthest)).await },
            )
        })
        .await?;
    let mut jobs = rows.into_iter().map(Row::read).collect::<Result<Vec<_>>>()?;
    // An UPDATE gives its rows in no order; ids sort by time.
    jobs.sort_by_key(|job| job.job);
    Ok(jobs)
}

/// Makes the lease last until `until`; false when it was lost.
///
/// # Errors
/// When the database fails.
pub async fn extend(
    tx: &mut Tx,
    app: &AppId,
    job: JobId,
    lease: Uuid,
    until: Time,
) -> Result<bool> {
    Ok(tx.execute(&EXTEND, (app, job, lease, until)).await? == 1)
}

/// Deletes a job that is done; false when the lease was lost. A caller that writes in the same
/// transaction must then undo it: another worker does the job.
///
/// # Errors
/// When the database fails.
pub async fn finish(tx: &mut Tx, app: &AppId, job: JobId, lease: Uuid) -> Result<bool> {
    Ok(tx.execute(&FINISH, (app, job, lease)).await? == 1)
}

/// Puts a job that failed back for `run_at`; false when the lease was lost.
///
/// # Errors
/// When the database fails.
pub async fn retry(
    tx: &mut Tx,
    app: &AppId,
    job: JobId,
    lease: Uuid,
    run_at: Time,
    error: &'static str,
) -> Result<bool> {
    Ok(tx.execute(&RETRY, (app, job, lease, run_at, error)).await? == 1)
}

/// Puts a job back for `run_at` that did not fail but cannot go on yet: no attempt is counted.
/// False when the lease was lost.
///
/// # Errors
/// When the database fails.
pub async fn defer(
    tx: &mut Tx,
    app: &AppId,
    job: JobId,
    lease: Uuid,
    run_at: Time,
) -> Result<bool> {
    Ok(tx.execute(&DEFER, (app, job, lease, run_at)).await? == 1)
}

/// Gives a job up: it stays for people to look at and is not leased again. False when the lease
/// was lost.
///
/// # Errors
/// When the database fails.
pub async fn bury(
    tx: &mut Tx,
    app: &AppId,
    job: JobId,
    lease: Uuid,
    error: &'static str,
) -> Result<bool> {
    Ok(tx.execute(&BURY, (app, job, lease, error)).await? == 1)
}

/// How many jobs there are in each state, over all apps.
///
/// # Errors
/// When the database fails.
pub async fn counts(conn: &mut Conn) -> Result<Counts> {
    conn.one(&COUNTS, ()).await
}

/// When the next job is due or the next lease ends; none when no job waits. It may lie in the past.
///
/// # Errors
/// When the database fails.
pub async fn next_due(conn: &mut Conn) -> Result<Option<Time>> {
    let row = conn.optional::<(i64,)>(&NEXT_DUE, ()).await?;
    Ok(row.map(|(at,)| Time(at)))
}
