//! What this process alone holds for its jobs: the bell that wakes its worker, its journal file,
//! the cleaning of database files that its erasures share, and the turns that its writes take.

use std::sync::atomic::{AtomicI64, Ordering};

use oubli_domain::Time;
use oubli_store::WAIT;
use tokio::sync::Notify;

use crate::erasure::Cleaner;
use crate::journal::Journal;
use crate::oubli::Options;
use crate::turns::Turns;

/// The part of the service that is this process's own.
#[derive(Debug)]
pub(crate) struct Node {
    wake: Notify,
    /// Where erasures are written down outside the databases.
    pub(crate) journal: Journal,
    /// Overwrites and truncates what deleted rows leave in files.
    pub(crate) cleaner: Cleaner,
    /// When the worker of this process last turned, in microseconds; 0 when none runs here.
    beat: AtomicI64,
    /// The turns of writes about one subject.
    pub(crate) turns: Turns,
}

impl Node {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            wake: Notify::new(),
            journal: Journal::new(options.journal_dir.clone()),
            cleaner: Cleaner::new(),
            beat: AtomicI64::new(0),
            turns: Turns::new(WAIT),
        }
    }

    /// Tells the worker of this process that a job was queued.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for [`Node::wake`]; one that came before is not lost.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    pub(crate) fn beat(&self, now: Option<Time>) {
        self.beat.store(now.map_or(0, |now| now.0), Ordering::Relaxed);
    }

    /// When the worker of this process last turned; none when none runs here.
    pub(crate) fn last_beat(&self) -> Option<Time> {
        Some(Time(self.beat.load(Ordering::Relaxed))).filter(|at| at.0 != 0)
    }
}
