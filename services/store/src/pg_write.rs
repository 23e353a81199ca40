//! Write transactions on PostgreSQL: repeatable read, retried when they meet another one.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio_util::task::TaskTracker;

use crate::conn::{Inner, Tx};
use crate::connections::Connections;
use crate::db::Work;
use crate::error::{Result, StoreError};
use crate::measures::Measures;

/// How often a transaction is tried, over about half a second.
const ATTEMPTS: u32 = 20;

/// Runs `work` in a task of its own, so that it reaches its COMMIT or its rollback also when the
/// caller's connection closes in the middle.
pub(crate) async fn write<T: Send + 'static>(
    pool: &Connections<PgConnection>,
    tasks: &TaskTracker,
    measures: Arc<Measures>,
    name: &'static str,
    work: impl Work<T>,
) -> Result<T> {
    let pool = pool.clone();
    let work = Arc::new(work);
    let task = tasks.spawn(async move { retried(&pool, &measures, name, work.as_ref()).await });
    match task.await {
        Ok(result) => result,
        Err(_) => Err(StoreError::Unavailable { reason: "the transaction panicked", source: None }),
    }
}

async fn retried<T: Send>(
    pool: &Connections<PgConnection>,
    measures: &Measures,
    name: &'static str,
    work: &impl Work<T>,
) -> Result<T> {
    for attempt in 0..ATTEMPTS {
        match once(pool, work).await {
            Err(StoreError::Contention) => {
                tracing::debug!(transaction = name, attempt, "retried");
                measures.retried(name);
                tokio::time::sleep(back_off(attempt)).await;
            }
            result => return result,
        }
    }
    tracing::warn!(transaction = name, attempts = ATTEMPTS, "gave up");
    Err(StoreError::Unavailable { reason: "too many transactions on the same rows", source: None })
}

/// A random part of 1 to 64 ms, twice as long each time: transactions that met once must not meet
/// again at the next try.
fn back_off(attempt: u32) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(attempt);
    Duration::from_micros(random % (1_000 << attempt.min(6)))
}

async fn once<T: Send>(pool: &Connections<PgConnection>, work: &impl Work<T>) -> Result<T> {
    let lease = Inner::Pg(pool.lease().await?);
    let mut tx = Tx::to_begin(lease, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    let result = work(&mut tx).await;
    let value = tx.checked(result)?;
    let Inner::Pg(open) = tx.0.inner else {
        return Err(StoreError::Damaged("the transaction changed its kind"));
    };
    open.commit().await?;
    Ok(value)
}
