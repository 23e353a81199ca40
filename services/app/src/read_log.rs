//! Logging reads. The answer to a read waits until its event is durable; reads that arrive
//! together share one transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use oubli_domain::{AppId, Code, EventId, Refusal, SubjectId};
use oubli_store::events::{self, NewEvent};
use oubli_store::{Db, StoreError, Tx, apps, subjects};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};

/// The most events in one transaction.
const BATCH: usize = 128;
/// How many reads may wait; the next one is told that the service is busy.
const QUEUE: usize = 4_096;

type Answer = oneshot::Sender<Result<()>>;

type Waiting = mpsc::Receiver<(NewEvent, Answer)>;

/// The handle to the logging task.
#[derive(Debug)]
pub(crate) struct ReadLog {
    queue: mpsc::Sender<(NewEvent, Answer)>,
    stop: CancellationToken,
}

impl ReadLog {
    /// Starts the task, which ends after [`ReadLog::stop`].
    pub(crate) fn start(data: Db, tasks: &TaskTracker) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let stop = CancellationToken::new();
        tasks.spawn(run(data, waiting, stop.clone()));
        Self { queue, stop }
    }

    /// Takes no more reads: they are refused. Those that wait are logged, and then the task ends.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until the event is durable.
    ///
    /// # Errors
    /// `subject-not-found` or `subject-erasing` when the person's erasure was acknowledged since
    /// the read began, or `app-not-found` when its app's deletion was approved: what was read must then
    /// not be answered. `unavailable` when too many wait, or the service is ending;
    /// `insufficient-storage` and `read-only` when the database cannot be written.
    pub(crate) async fn record(&self, event: NewEvent) -> Result<()> {
        let (answer, durable) = oneshot::channel();
        self.queue.try_send((event, answer)).map_err(|_| Error::from(Code::Unavailable))?;
        durable.await.map_err(|_| Error::TaskEnded("the read log"))?
    }
}

async fn run(data: Db, mut waiting: Waiting, stop: CancellationToken) {
    // While one batch is written the next one gathers: nobody waits for company.
    let mut batch = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled(), if !waiting.is_closed() => waiting.close(),
            gathered = waiting.recv_many(&mut batch, BATCH) => {
                if gathered == 0 {
                    return;
                }
                write(&data, std::mem::take(&mut batch)).await;
            }
        }
    }
}

async fn write(data: &Db, batch: Vec<(NewEvent, Answer)>) {
    let (events, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let events = Arc::new(events);
    let written = data
        .write("log.reads", move |tx| {
            let events = Arc::clone(&events);
            Box::pin(async move { insert(tx, &events).await })
        })
        .await;
    match written {
        Ok(refused) => {
            for (answer, refusal) in answers.into_iter().zip(refused) {
                // A reader that went away does not need the answer.
                drop(answer.send(refusal.map_or(Ok(()), |r| Err(r.into()))));
            }
        }
        Err(error) => {
            tracing::warn!(error = %error, reads = answers.len(), "reads were not logged");
            let refusal = Error::from(error).refusal();
            for answer in answers {
                drop(answer.send(Err(refusal.clone().into())));
            }
        }
    }
}

/// Inserts the events whose reads may be answered. Gives, for each, why it may not.
async fn insert(tx: &mut Tx, events: &[NewEvent]) -> oubli_store::Result<Vec<Option<Refusal>>> {
    let mut apps: BTreeMap<&AppId, Vec<&NewEvent>> = BTreeMap::new();
    for event in events {
        apps.entry(&event.app).or_default().push(event);
    }
    let mut refusals: HashMap<EventId, Refusal> = HashMap::new();
    for (app, events) in apps {
        refusals.extend(refused(tx, app, &events).await?);
    }
    let kept: Vec<_> = events.iter().filter(|e| !refusals.contains_key(&e.event)).collect();
    events::insert_many(tx, &kept).await?;
    Ok(events.iter().map(|event| refusals.remove(&event.event)).collect())
}

/// Locks the people whom an app's events are about, and the app where one is about nobody. Gives
/// the events that may not be inserted.
async fn refused(
    tx: &mut Tx,
    app: &AppId,
    events: &[&NewEvent],
) -> oubli_store::Result<Vec<(EventId, Refusal)>> {
    let subject_of = |event: &NewEvent| event.payload.as_ref().map(|payload| payload.subject);
    let about: Vec<SubjectId> = events.iter().filter_map(|event| subject_of(event)).collect();
    let mut closed = None;
    if events.iter().any(|event| event.payload.is_none()) {
        match apps::hold(tx, app).await {
            Err(StoreError::Refused(refusal)) => closed = Some(refusal),
            other => other?,
        }
    }
    let locked = match about[..] {
        [] => HashMap::new(),
        _ => subjects::lock_many(tx, app, about).await?,
    };
    let refusal = |event: &NewEvent| match subject_of(event) {
        None => closed.clone(),
        Some(subject) => subjects::standing(locked.get(&subject).copied()).err(),
    };
    Ok(events.iter().filter_map(|event| Some((event.event, refusal(event)?))).collect())
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use oubli_domain::Code;

    use crate::caller::Actor;
    use crate::log::Entry;
    use crate::testing::{self, refused};

    #[tokio::test]
    async fn closing_logs_the_reads_that_wait_and_refuses_later_ones() {
        let (_dir, oubli, _) = testing::oubli().await;
        let app = testing::app(&oubli, "shop").await;
        let read = || Entry::new().event(&app, &Actor::System, oubli.now(), "record.read");
        let waiting = join_all((0..300).map(|_| oubli.reads().record(read())));
        // The reads are queued before the closing begins: futures are polled in their order.
        let (logged, ()) = tokio::join!(biased; waiting, oubli.close());
        assert!(logged.iter().all(Result::is_ok));
        assert_eq!(refused(oubli.reads().record(read()).await), Code::Unavailable);
        assert!(oubli.tasks().is_empty());
        oubli.close().await;
    }
}
