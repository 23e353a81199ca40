//! Cleaning the database files: what deleted rows leave in pages and in the write-ahead log. One
//! cleaning serves every erasure that waits for it.

use std::sync::atomic::{AtomicU64, Ordering};

use oubli_store::{Db, Result as StoreResult};
use tokio::sync::Mutex;

/// Counts cleanings, so that erasures share them.
#[derive(Debug)]
pub(crate) struct Cleaner {
    started: AtomicU64,
    finished: Mutex<u64>,
}

impl Cleaner {
    pub(crate) fn new() -> Self {
        Self { started: AtomicU64::new(0), finished: Mutex::new(0) }
    }

    /// Waits for a cleaning that began after this call: one that was under way may have passed the
    /// pages of the caller's rows already.
    ///
    /// # Errors
    /// `Contention` while a reader needs the write-ahead log: try again.
    pub(crate) async fn clean(&self, data: &Db, keys: &Db) -> StoreResult<()> {
        let wanted = self.started.load(Ordering::SeqCst) + 1;
        let mut finished = self.finished.lock().await;
        if *finished >= wanted {
            return Ok(());
        }
        // Only who holds the lock starts one, so this number is ours.
        let this = self.started.fetch_add(1, Ordering::SeqCst) + 1;
        data.scrub().await?;
        keys.scrub().await?;
        data.truncate_log().await?;
        keys.truncate_log().await?;
        *finished = this;
        Ok(())
    }
}
