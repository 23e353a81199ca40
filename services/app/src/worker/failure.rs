//! What becomes of a job that failed: when it is tried again, when it is given up, and what is said
//! about it.

use oubli_domain::request::Transition;
use oubli_domain::{Code, Refusal, RequestId, Time};
use oubli_store::app_tables::LEAVING;
use oubli_store::jobs::Job;
use oubli_store::{Result as StoreResult, StoreError, Tx, requests};

use super::{ERASURE, KEPT_ITEMS, working};
use crate::error::Error;

/// A job that failed as often is given up, but for what cannot be left half done.
const ATTEMPTS: i64 = 20;
/// The longest wait between two attempts, in seconds.
pub(super) const BACKOFF_SECONDS: i64 = 600;

/// Whether a job that has failed again stays with the dead. An erasure never does, nor the deletion of
/// an app, nor the going of what was kept: the person, or the app, would be half gone for ever.
pub(super) fn is_buried(job: &Job) -> bool {
    job.attempts >= ATTEMPTS && ![ERASURE, LEAVING, KEPT_ITEMS].contains(&job.kind.as_str())
}

/// The request of a job that was given up has failed, where it can.
pub(super) async fn give_up(
    tx: &mut Tx,
    job: &Job,
    reason: &'static str,
    now: Time,
) -> StoreResult<()> {
    let Ok(id) = job.payload.parse::<RequestId>() else { return Ok(()) };
    let Some(request) = requests::get(tx, &job.app, id).await? else { return Ok(()) };
    if request.state.is_final() {
        return Ok(());
    }
    let state = working(&request)?.after(Transition::Fail, request.right)?;
    requests::set_state(tx, &job.app, id, state, reason, now).await
}

/// What fails for the twentieth time does not mend itself: somebody must look.
pub(super) fn report(job: &Job, error: &Error) {
    let (id, kind, attempts) = (job.job, &job.kind, job.attempts);
    if attempts < ATTEMPTS {
        tracing::warn!(error = %error, job = %id, kind = %kind, attempts, "a job failed");
    } else {
        tracing::error!(error = %error, job = %id, kind = %kind, attempts, "a job keeps failing");
    }
}

/// 1, 2, 4 … seconds, at most ten minutes.
pub(super) fn backoff(attempts: i64) -> i64 {
    let exponent = u32::try_from(attempts.clamp(1, 20) - 1).unwrap_or(0);
    BACKOFF_SECONDS.min(1 << exponent)
}

/// A code for what went wrong, which may stand in a row for ever.
pub(super) fn reason(error: &Error) -> &'static str {
    match error {
        Error::Refused(Refusal { code, .. }) => code.slug(),
        Error::Store(StoreError::Unavailable { .. } | StoreError::Contention) => {
            Code::Unavailable.slug()
        }
        Error::Store(StoreError::Full) => Code::InsufficientStorage.slug(),
        Error::Store(StoreError::ReadOnly) => Code::ReadOnly.slug(),
        Error::Store(_) => "store",
        Error::Vault(_) | Error::Token(_) => "keys",
        Error::Journal(_) => "journal",
        Error::Damaged(_) => "damaged",
        Error::TaskEnded(_) => "task-ended",
    }
}

#[cfg(test)]
mod tests {
    use super::backoff;

    #[test]
    fn waits_double_up_to_ten_minutes() {
        let waits: Vec<i64> = [1, 2, 3, 10, 11, 20, 1_000].map(backoff).into();
        assert_eq!(waits, [1, 2, 4, 512, 600, 600, 600]);
    }
}
