//! What this process alone holds for its jobs: the bell that wakes its worker, its journal file and
//! the cleaning of database files that its erasures share.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use oubli_domain::{SubjectId, Time};
use tokio::sync::{Mutex, MutexGuard, Notify};

use crate::erasure::Cleaner;
use crate::journal::Journal;
use crate::oubli::Options;

/// How many subjects can take turns at once without waiting for each other by chance.
const TURNS: usize = 64;

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
    turns: [Mutex<()>; TURNS],
}

impl Node {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            wake: Notify::new(),
            journal: Journal::new(options.journal_dir.clone()),
            cleaner: Cleaner::new(),
            beat: AtomicI64::new(0),
            turns: std::array::from_fn(|_| Mutex::new(())),
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

    /// The turn of a write about a subject that met another one. Writers of this process then come
    /// one after the other, so that each succeeds however many there are. Whoever waits here must
    /// hold no connection.
    pub(crate) async fn turn(&self, subject: SubjectId) -> MutexGuard<'_, ()> {
        self.turns[place(subject)].lock().await
    }

    /// [`Node::turn`], where somebody else has it: whoever comes new does not overtake those who wait.
    pub(crate) async fn turn_if_taken(&self, subject: SubjectId) -> Option<MutexGuard<'_, ()>> {
        match self.turns[place(subject)].try_lock() {
            Ok(_) => None,
            Err(_) => Some(self.turn(subject).await),
        }
    }

    /// [`Node::turn`] for a write about many subjects. All take turns in one order, so that no two
    /// wait for each other.
    pub(crate) async fn turns(
        &self,
        subjects: impl Iterator<Item = SubjectId>,
    ) -> Vec<MutexGuard<'_, ()>> {
        let places: BTreeSet<usize> = subjects.map(place).collect();
        let mut turns = Vec::with_capacity(places.len());
        for place in places {
            turns.push(self.turns[place].lock().await);
        }
        turns
    }
}

fn place(subject: SubjectId) -> usize {
    // The last byte of an id is random.
    usize::from(subject.0.as_bytes()[15]) % TURNS
}
