//! Consents: recording what a person did, the states that follow, the history, and checks. What
//! the events amount to is decided in the domain; here is the order of steps: a subject is locked
//! before anything about it is written, and a check reads the primary in one snapshot, so that one
//! that starts after an acknowledged withdrawal never permits.

mod apply;
mod batch;
mod check;
mod event;
mod history;
mod import;
mod receipt;
mod record;
mod shown;
mod signals;
mod state;

#[cfg(test)]
mod tests;

pub(crate) use apply::apply_imported;
pub use batch::{BatchItem, BatchResult, record_batch};
pub use check::{CheckItem, check, check_batch};
pub(crate) use event::Prepared as PreparedConsent;
pub use event::{CallerId, NewConsent, Recorded};
pub use history::{Position, history};
pub(crate) use import::{ConsentImport, prepare_imports};
pub use receipt::receipt;
pub use record::record;
pub use signals::RecordedEvent;
pub(crate) use state::log_read;
pub use state::{AsOf, PurposeConsent, state};

/// The most items in one batch, and in one bulk check.
pub const MAX_BATCH: usize = 1_000;

/// Refuses a batch of none or too many.
fn check_count(items: usize) -> Result<(), oubli_domain::Refusal> {
    if (1..=MAX_BATCH).contains(&items) {
        return Ok(());
    }
    let refusal = oubli_domain::Refusal::new(oubli_domain::Code::InvalidBody);
    Err(refusal.at("/items", "must be 1 to 1000"))
}
