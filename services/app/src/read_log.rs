//! Logging reads. The answer to a read waits until its event is durable; reads that arrive
//! together share one transaction.

use std::sync::Arc;

use oubli_domain::{Code, Refusal};
use oubli_store::events::{self, NewEvent};
use oubli_store::{Db, StoreError, Tx, subjects};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use crate::error::{Error, Result};

/// The most events in one transaction.
const BATCH: usize = 128;
/// How many reads may wait; the next one is told that the service is busy.
const QUEUE: usize = 4_096;

type Answer = oneshot::Sender<Result<()>>;

/// The handle to the logging task.
#[derive(Debug)]
pub(crate) struct ReadLog(mpsc::Sender<(NewEvent, Answer)>);

impl ReadLog {
    /// Starts the task, which ends when the last handle is dropped.
    pub(crate) fn start(data: Db, tasks: &TaskTracker) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(NewEvent, Answer)>(QUEUE);
        tasks.spawn(async move {
            // While one batch is written the next one gathers: nobody waits for company.
            let mut batch = Vec::new();
            while waiting.recv_many(&mut batch, BATCH).await > 0 {
                write(&data, std::mem::take(&mut batch)).await;
            }
        });
        Self(queue)
    }

    /// Waits until the event is durable.
    ///
    /// # Errors
    /// `subject-not-found` or `subject-erasing` when the person's erasure was acknowledged since
    /// the read began: what was read must then not be answered.
    pub(crate) async fn record(&self, event: NewEvent) -> Result<()> {
        let (answer, durable) = oneshot::channel();
        self.0.try_send((event, answer)).map_err(|_| Error::from(Code::Unavailable))?;
        durable.await.map_err(|_| Error::TaskEnded("the read log"))?
    }
}

async fn write(data: &Db, batch: Vec<(NewEvent, Answer)>) {
    let (events, answers): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
    let events = Arc::new(events);
    let written = data
        .write("log.reads", move |tx| {
            let events = Arc::clone(&events);
            Box::pin(async move {
                let mut refused = Vec::with_capacity(events.len());
                for event in events.iter() {
                    refused.push(insert(tx, event).await?);
                }
                Ok(refused)
            })
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
            for answer in answers {
                drop(answer.send(Err(Code::Unavailable.into())));
            }
        }
    }
}

async fn insert(tx: &mut Tx, event: &NewEvent) -> oubli_store::Result<Option<Refusal>> {
    if let Some(payload) = &event.payload {
        match subjects::lock(tx, &event.app, payload.subject).await {
            Err(StoreError::Refused(refusal)) => return Ok(Some(refusal)),
            other => other.map(drop)?,
        }
    }
    events::insert(tx, event).await.map(|()| None)
}
