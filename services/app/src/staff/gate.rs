//! How many passwords are checked at once: each check takes 19 MiB and a core for tens of
//! milliseconds.

use std::sync::Arc;

use oubli_domain::Code;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::{Error, Result};

/// How many checks run at once, at least and at most, by the machine's cores.
const CHECKS: (usize, usize) = (2, 4);
/// How many more may wait; the next one is told to come back.
const QUEUE: usize = 32;

/// Lets few passwords at a time be checked, and few wait.
#[derive(Debug)]
pub(crate) struct PasswordGate {
    inside: Arc<Semaphore>,
    checks: Arc<Semaphore>,
    #[cfg(test)]
    all: usize,
}

/// The right to check one password, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    _inside: OwnedSemaphorePermit,
    _check: OwnedSemaphorePermit,
}

impl PasswordGate {
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(CHECKS.0, usize::from);
        Self::of(cores.clamp(CHECKS.0, CHECKS.1), QUEUE)
    }

    fn of(checks: usize, queue: usize) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(checks + queue)),
            checks: Arc::new(Semaphore::new(checks)),
            #[cfg(test)]
            all: checks + queue,
        }
    }

    /// Waits for a turn, first come, first served.
    ///
    /// # Errors
    /// `too-many-logins` at once when the queue is full.
    pub(crate) async fn turn(&self) -> Result<Turn> {
        let inside = Arc::clone(&self.inside).try_acquire_owned();
        let inside = inside.map_err(|_| Error::from(Code::TooManyLogins))?;
        let check = Arc::clone(&self.checks).acquire_owned().await;
        let check = check.map_err(|_| Error::TaskEnded("the password gate"))?;
        Ok(Turn { _inside: inside, _check: check })
    }

    /// Waits until no password is being checked and every failure is counted.
    #[cfg(test)]
    pub(crate) async fn idle(&self) {
        let all = u32::try_from(self.all).unwrap_or(u32::MAX);
        drop(self.inside.acquire_many(all).await);
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use futures_util::FutureExt;
    use oubli_domain::Code;

    use super::PasswordGate;
    use crate::testing::refused;

    #[tokio::test]
    async fn few_check_few_wait_and_the_next_is_refused() {
        let gate = PasswordGate::of(2, 1);
        let first = gate.turn().await.unwrap();
        let _second = gate.turn().await.unwrap();
        let mut waiting = Box::pin(gate.turn());
        assert!(waiting.as_mut().now_or_never().is_none(), "only two check at once");
        assert_eq!(refused(gate.turn().await), Code::TooManyLogins);
        drop(first);
        let third = waiting.await.unwrap();
        assert_eq!(gate.checks.available_permits(), 0);
        drop(third);
        assert!(gate.turn().await.is_ok());
    }
}
