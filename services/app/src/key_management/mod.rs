//! Managing keys while the service runs on any number of nodes: what stands under which key,
//! rotation, reindexing and retirement; see ADR 8.
//!
//! Each is done by one command that may be killed anywhere and run again. This folder owns their
//! order; it must not know how they are asked for or shown.

mod finality;
mod reindex;
mod retire;
mod rotate;
mod rotate_kept;
mod status;
mod tokens;
mod work;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod trouble_tests;

use oubli_domain::Time;
use oubli_store::StoreError;
use oubli_vault::VaultError;

use crate::error::Error;

pub use reindex::{Reindex, Reindexed, reindex};
pub use retire::{Candidate, Due, InUse, Retire, Retired, due, retire};
pub use rotate::{Rotate, Rotated, rotate};
pub use status::{AppStatus, EpochStatus, IndexStatus, Status, TokenKeyStatus, WorkStatus, status};
pub use tokens::{TokensRotated, rotate_tokens};

/// How far work is; it is told now and then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Rows done since the command began.
    pub done: u64,
    /// Rows to do when it began.
    pub total: u64,
}

/// Who is told of progress.
pub type Told<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Why keys could not be managed. Nothing is half done: run the command again.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// Somebody works on the keys, or did until a moment ago and was killed.
    #[error("a {kind} is running; if it was killed, its lease ends at {}", until.to_string())]
    Running {
        /// What is running.
        kind: String,
        /// When its lease ends unless it is renewed.
        until: Time,
    },
    /// Other work was interrupted and must be ended first.
    #[error("a {kind} was interrupted: run `oubli keys {kind}` again before anything else")]
    Interrupted {
        /// What was interrupted.
        kind: String,
    },
    /// Another process has taken the work over.
    #[error("another process has taken this work over")]
    TakenOver,
    /// The provider has no root key version that nothing was wrapped under, and cannot make one.
    #[error(
        "the {provider} root key provider cannot make a new version: add one where it is kept, restart every node and run this again; or say --epoch-only, which leaves old backups readable"
    )]
    RootReadOnly {
        /// The provider's name.
        provider: &'static str,
    },
    /// A new token-signing key waits for its time.
    #[error("a new token key was made already; it signs from {} on", signs_from.to_string())]
    TokensWaiting {
        /// From when on it signs.
        signs_from: Time,
    },
    /// There is no such app.
    #[error("there is no such app")]
    NoSuchApp,
    /// Something below failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl From<StoreError> for KeysError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<VaultError> for KeysError {
    fn from(error: VaultError) -> Self {
        Self::Failed(error.into())
    }
}

/// The result of managing keys.
pub type Result<T, E = KeysError> = std::result::Result<T, E>;
