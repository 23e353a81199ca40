//! Trying again what another call overtook. Knows nothing of what is tried.

use oubli_domain::Code;
use oubli_store::StoreError;

use crate::error::{Error, Result};

/// How often a write is prepared: each time but the last, another one was first.
const ATTEMPTS: u32 = 16;

/// Runs `attempt`, which prepares a write and applies it, until nothing that it was prepared from
/// has changed before it is applied.
///
/// # Errors
/// What the last attempt fails with; `unavailable` when others were first each time.
pub(crate) async fn retry_stale<T, F>(attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for _ in 0..ATTEMPTS {
        match attempt().await {
            Err(Error::Store(StoreError::Stale)) => {}
            done => return done,
        }
    }
    Err(Code::Unavailable.into())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::cell::Cell;

    use oubli_domain::Code;
    use oubli_store::StoreError;

    use super::{ATTEMPTS, retry_stale};
    use crate::error::Error;
    use crate::testing::refused;

    /// Runs what is stale `stale` times, and counts how often it ran.
    async fn run(stale: u32) -> (u32, Result<u32, Error>) {
        let runs = Cell::new(0);
        let result = retry_stale(|| async {
            runs.set(runs.get() + 1);
            if runs.get() <= stale { Err(StoreError::Stale.into()) } else { Ok(runs.get()) }
        })
        .await;
        (runs.get(), result)
    }

    #[tokio::test]
    async fn only_what_is_stale_is_tried_again_and_not_for_ever() {
        assert_eq!(run(2).await.1.unwrap(), 3);
        let (runs, result) = run(ATTEMPTS).await;
        assert_eq!((runs, refused(result)), (ATTEMPTS, Code::Unavailable));
        let refusal: Result<(), Error> =
            retry_stale(|| async { Err(Error::from(Code::Held)) }).await;
        assert_eq!(refused(refusal), Code::Held);
    }
}
