//! Cleaning the database files: what deleted rows leave in pages and in the write-ahead log. One
//! cleaning serves every erasure that waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oubli_store::{Db, Result as StoreResult, StoreError};
use tokio::sync::Mutex;

/// How often a log is asked to be emptied before the job is put back.
const TRIES: u32 = 40;
/// How long it waits for the readers in between.
const READERS: Duration = Duration::from_millis(25);

/// Counts passes over the pages, so that erasures share them.
#[derive(Debug)]
pub(crate) struct Cleaner {
    /// Passes that began.
    begun: AtomicU64,
    done: Mutex<Done>,
}

/// The newest pass that has come so far.
#[derive(Debug, Default)]
struct Done {
    pages: u64,
    logs: u64,
}

impl Cleaner {
    pub(crate) fn new() -> Self {
        Self { begun: AtomicU64::new(0), done: Mutex::default() }
    }

    /// Waits for a cleaning whose pass over the pages began after this call: one that was under way
    /// may have passed the pages of the caller's rows already.
    ///
    /// # Errors
    /// `Contention` while a reader needs a write-ahead log: try again.
    pub(crate) async fn clean(&self, data: &Db, keys: &Db) -> StoreResult<()> {
        let wanted = self.begun.load(Ordering::SeqCst) + 1;
        let mut done = self.done.lock().await;
        if done.logs >= wanted {
            return Ok(());
        }
        if done.pages < wanted {
            // Only who holds the lock starts one, so this number is ours.
            let this = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            data.scrub().await?;
            keys.scrub().await?;
            done.pages = this;
        }
        // A log that is emptied now holds the pages of every pass before.
        empty_log(data).await?;
        empty_log(keys).await?;
        done.logs = done.pages;
        Ok(())
    }
}

/// Empties a write-ahead log, waiting for readers for a while. The pages stay clean meanwhile, so
/// only this is tried again.
async fn empty_log(db: &Db) -> StoreResult<()> {
    for _ in 1..TRIES {
        match db.truncate_log().await {
            Err(StoreError::Contention) => tokio::time::sleep(READERS).await,
            result => return result,
        }
    }
    db.truncate_log().await
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::Ordering;

    use oubli_domain::AppId;
    use oubli_store::apps;

    use super::Cleaner;
    use crate::testing;

    #[tokio::test]
    async fn a_reader_in_the_way_costs_no_second_pass_over_the_pages() {
        let (_dir, oubli, _clock) = testing::oubli().await;
        testing::app(&oubli, "before").await;
        let mut reader = oubli.data().snapshot().await.unwrap();
        assert!(apps::any(&mut reader).await.unwrap());
        // What is written now cannot leave the log while the reader stays.
        testing::app(&oubli, "after").await;
        assert!(oubli.data().truncate_log().await.is_err());

        let cleaner = Cleaner::new();
        let pass = cleaner.clean(oubli.data(), oubli.keys());
        let reading = async {
            while cleaner.begun.load(Ordering::SeqCst) == 0 {
                tokio::task::yield_now().await;
            }
            // Each of these waits its turn behind what the cleaner asked of the same writer.
            for n in 0..3 {
                testing::app(&oubli, &format!("app{n}")).await;
            }
            let last = AppId::new("after").unwrap();
            assert!(apps::get(&mut reader, &last).await.unwrap().is_none());
            drop(reader);
        };
        let (passed, ()) = tokio::join!(pass, reading);
        passed.unwrap();
        assert_eq!(cleaner.begun.load(Ordering::SeqCst), 1);
        let done = cleaner.done.lock().await;
        assert_eq!((done.pages, done.logs), (1, 1));
    }
}
