//! The job queue.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use oubli_domain::{AppId, Code, JobId, Refusal, SubjectId, Time};
use oubli_store::jobs::{self, Counts, Job, NewJob};
use oubli_store::{Db, StoreError, Tx};
use uuid::Uuid;

use crate::common::{NOON, app, both_engines, write};

const LEASE_A: Uuid = Uuid::from_u128(0xa);
const LEASE_B: Uuid = Uuid::from_u128(0xb);
const FURTHEST: Time = Time(i64::MAX);

async fn add(tx: &mut Tx, app: &AppId, job: JobId, run_at: Time) -> oubli_store::Result<()> {
    let new = NewJob { app: app.clone(), job, kind: "erase", subject: None, payload: "{}", run_at };
    jobs::enqueue(tx, &new).await
}

async fn enqueue(db: &Db, app: &AppId, run_at: Time) -> anyhow::Result<JobId> {
    let job = JobId::fresh(run_at);
    write!(db, [app], |tx| add(tx, &app, job, run_at).await)?;
    Ok(job)
}

/// Leases at `NOON` plus `at` seconds, for ten seconds.
async fn lease(db: &Db, token: Uuid, at: i64) -> oubli_store::Result<Vec<Job>> {
    let (now, furthest) = (NOON.plus_seconds(at), NOON.plus_seconds(at + 600));
    jobs::lease(db, token, now, now.plus_seconds(10), furthest, 10).await
}

async fn counts(db: &Db) -> oubli_store::Result<(i64, i64, i64)> {
    let Counts { ready, leased, dead } = jobs::counts(&mut db.conn().await?).await?;
    Ok((ready, leased, dead))
}

async fn next_due(db: &Db) -> oubli_store::Result<Option<Time>> {
    jobs::next_due(&mut db.conn().await?).await
}

fn ids(leased: &[Job]) -> Vec<JobId> {
    leased.iter().map(|job| job.job).collect()
}

/// Leases two at a time until nothing is due.
async fn drain(db: Db, token: Uuid) -> oubli_store::Result<Vec<JobId>> {
    let mut got = Vec::new();
    loop {
        let leased = jobs::lease(&db, token, NOON, NOON.plus_seconds(10), FURTHEST, 2).await?;
        if leased.is_empty() && counts(&db).await?.0 == 0 {
            return Ok(got);
        }
        got.extend(ids(&leased));
    }
}

both_engines! {
    async fn a_leased_job_says_what_was_queued(stores: Stores) {
        let (shop, job, subject) = (app("shop")?, JobId::fresh(NOON), SubjectId::fresh(NOON));
        write!(stores.data, [shop], |tx| {
            let (kind, payload, subject) = ("erase", r#"{"request":"req_1"}"#, Some(subject));
            let new = NewJob { app: shop, job, kind, subject, payload, run_at: NOON };
            jobs::enqueue(tx, &new).await
        })?;
        let expected = Job {
            app: shop,
            job,
            kind: "erase".to_owned(),
            subject: Some(subject),
            payload: r#"{"request":"req_1"}"#.to_owned(),
            attempts: 1,
        };
        assert_eq!(lease(&stores.data, LEASE_A, 0).await?, [expected]);
    }

    async fn a_job_of_a_transaction_that_failed_is_not_there(stores: Stores) {
        let (shop, job) = (app("shop")?, JobId::fresh(NOON));
        let refused: Result<(), _> = write!(stores.data, [shop], |tx| {
            add(tx, &shop, job, NOON).await?;
            Err(StoreError::Refused(Refusal::new(Code::Held)))
        });
        assert!(refused.is_err());
        assert_eq!(counts(&stores.data).await?, (0, 0, 0));
    }

    async fn a_job_from_before_the_clock_stepped_back_is_due(stores: Stores) {
        let shop = app("shop")?;
        let job = enqueue(&stores.data, &shop, NOON).await?;
        assert_eq!(ids(&lease(&stores.data, LEASE_A, 0).await?), [job]);
        // Its lease ends at NOON and 10 seconds: nobody waits as long as from here on.
        assert!(lease(&stores.data, LEASE_B, -590).await?.is_empty());
        assert_eq!(ids(&lease(&stores.data, LEASE_B, -591).await?), [job]);
        let finished = write!(stores.data, [shop], |tx| jobs::finish(tx, &shop, job, LEASE_A).await)?;
        assert!(!finished, "the first lease is lost");
        assert!(lease(&stores.data, LEASE_A, -590).await?.is_empty(), "leased by the new clock");
    }

    async fn due_jobs_come_before_those_of_a_time_that_cannot_be(stores: Stores) {
        let shop = app("shop")?;
        let mut jobs = Vec::new();
        for seconds in [700, 1, 300, 0, 800] {
            jobs.push(enqueue(&stores.data, &shop, NOON.plus_seconds(seconds)).await?);
        }
        let (now, until) = (NOON.plus_seconds(1), NOON.plus_seconds(10));
        let furthest = NOON.plus_seconds(600);
        let first = jobs::lease(&stores.data, LEASE_A, now, until, furthest, 3).await?;
        assert_eq!(ids(&first), [jobs[3], jobs[1], jobs[0]]);
        let rest = jobs::lease(&stores.data, LEASE_B, now, until, furthest, 3).await?;
        assert_eq!(ids(&rest), [jobs[4]]);
    }

    async fn jobs_are_leased_when_due_the_oldest_first_and_within_the_limit(stores: Stores) {
        let shop = app("shop")?;
        let mut jobs = Vec::new();
        for seconds in [2, 0, 1, 9] {
            jobs.push(enqueue(&stores.data, &shop, NOON.plus_seconds(seconds)).await?);
        }
        assert_eq!(next_due(&stores.data).await?, Some(NOON));
        let (now, until) = (NOON.plus_seconds(2), NOON.plus_seconds(5));
        let first = jobs::lease(&stores.data, LEASE_A, now, until, FURTHEST, 2).await?;
        assert_eq!(ids(&first), [jobs[1], jobs[2]]);
        let rest = jobs::lease(&stores.data, LEASE_B, now, until, FURTHEST, 2).await?;
        assert_eq!(ids(&rest), [jobs[0]]);
        assert_eq!(counts(&stores.data).await?, (1, 3, 0));
        assert_eq!(next_due(&stores.data).await?, Some(until));
    }

    async fn two_workers_never_get_the_same_job(stores: Stores) {
        let shop = app("shop")?;
        let mut queued = BTreeSet::new();
        for _ in 0..40 {
            queued.insert(enqueue(&stores.data, &shop, NOON).await?);
        }
        let workers = (0..4).map(|n| drain(stores.data.clone(), Uuid::from_u128(n)));
        let got: Vec<JobId> = try_join_all(workers).await?.into_iter().flatten().collect();
        assert_eq!(got.len(), queued.len());
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), queued);
    }

    async fn an_expired_lease_is_taken_over_and_its_first_holder_is_told(stores: Stores) {
        let shop = app("shop")?;
        let job = enqueue(&stores.data, &shop, NOON).await?;
        lease(&stores.data, LEASE_A, 0).await?;
        assert_eq!(lease(&stores.data, LEASE_B, 9).await?, []);
        let taken = lease(&stores.data, LEASE_B, 10).await?;
        assert_eq!((ids(&taken), taken[0].attempts), (vec![job], 2));
        let held = write!(stores.data, [shop], |tx| Ok([
            jobs::extend(tx, &shop, job, LEASE_A, NOON).await?,
            jobs::retry(tx, &shop, job, LEASE_A, NOON, "late").await?,
            jobs::defer(tx, &shop, job, LEASE_A, NOON).await?,
            jobs::bury(tx, &shop, job, LEASE_A, "late").await?,
            jobs::finish(tx, &shop, job, LEASE_A).await?,
        ]))?;
        assert_eq!(held, [false; 5]);
        assert_eq!(counts(&stores.data).await?, (0, 1, 0));
        assert!(write!(stores.data, [shop], |tx| jobs::finish(tx, &shop, job, LEASE_B).await)?);
        assert_eq!(counts(&stores.data).await?, (0, 0, 0));
        assert_eq!(next_due(&stores.data).await?, None);
    }

    async fn a_job_is_finished_only_for_its_own_app(stores: Stores) {
        let (shop, other) = (app("shop")?, app("other")?);
        let job = enqueue(&stores.data, &shop, NOON).await?;
        lease(&stores.data, LEASE_A, 0).await?;
        assert!(!write!(stores.data, [other], |tx| jobs::finish(tx, &other, job, LEASE_A).await)?);
        assert_eq!(counts(&stores.data).await?, (0, 1, 0));
    }

    async fn an_extended_lease_is_kept(stores: Stores) {
        let shop = app("shop")?;
        let job = enqueue(&stores.data, &shop, NOON).await?;
        lease(&stores.data, LEASE_A, 0).await?;
        let until = NOON.plus_seconds(30);
        let kept =
            write!(stores.data, [shop], |tx| jobs::extend(tx, &shop, job, LEASE_A, until).await)?;
        assert!(kept);
        assert_eq!(lease(&stores.data, LEASE_B, 29).await?, []);
        assert_eq!(ids(&lease(&stores.data, LEASE_B, 30).await?), [job]);
    }

    async fn a_retry_counts_as_an_attempt_and_a_deferral_does_not(stores: Stores) {
        let shop = app("shop")?;
        let (job, later) = (enqueue(&stores.data, &shop, NOON).await?, NOON.plus_seconds(1));
        lease(&stores.data, LEASE_A, 0).await?;
        assert!(write!(stores.data, [shop], |tx| {
            jobs::retry(tx, &shop, job, LEASE_A, later, "recipient-unreachable").await
        })?);
        assert_eq!(lease(&stores.data, LEASE_A, 0).await?, []);
        assert_eq!(lease(&stores.data, LEASE_A, 1).await?[0].attempts, 2);
        assert!(write!(stores.data, [shop], |tx| {
            jobs::defer(tx, &shop, job, LEASE_A, later).await
        })?);
        assert_eq!(counts(&stores.data).await?, (1, 0, 0));
        assert_eq!(lease(&stores.data, LEASE_A, 1).await?[0].attempts, 2);
    }

    async fn a_buried_job_is_kept_and_not_leased_again(stores: Stores) {
        let shop = app("shop")?;
        let job = enqueue(&stores.data, &shop, NOON).await?;
        lease(&stores.data, LEASE_A, 0).await?;
        assert!(write!(stores.data, [shop], |tx| {
            jobs::bury(tx, &shop, job, LEASE_A, "too-many-attempts").await
        })?);
        assert_eq!(lease(&stores.data, LEASE_B, 1_000).await?, []);
        assert_eq!(counts(&stores.data).await?, (0, 0, 1));
        assert_eq!(next_due(&stores.data).await?, None);
    }
}
