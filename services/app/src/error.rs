//! What a use case can fail with.

use oubli_domain::{Code, Refusal};
use oubli_store::StoreError;
use oubli_vault::VaultError;

/// Why a use case failed. Only [`Error::Refused`] is the caller's to mend.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The call was refused: its code and particulars go to the caller as they are.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A database failed.
    #[error("the store failed: {0}")]
    Store(#[source] StoreError),
    /// A key or a ciphertext is not what it must be.
    #[error("the vault failed: {0}")]
    Vault(#[from] VaultError),
    /// A signature could not be made.
    #[error("signing failed: {0}")]
    Token(#[from] oubli_vault::TokenError),
    /// The journal outside the databases could not be written.
    #[error("the journal cannot be written")]
    Journal(#[source] std::io::Error),
    /// Something that was stored does not read back.
    #[error("damaged: {0}")]
    Damaged(&'static str),
    /// A task of the service ended when it must not.
    #[error("a task of the service ended: {0}")]
    TaskEnded(&'static str),
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => Self::Refused(refusal),
            other => Self::Store(other),
        }
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::Refused(Refusal::new(code))
    }
}

impl Error {
    /// What the caller is told: a refusal as it is, `insufficient-storage` or `read-only` where
    /// operators must act, `unavailable` where trying again may help, and `internal` for all else.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal.clone(),
            Self::Store(StoreError::Full) => Refusal::new(Code::InsufficientStorage),
            Self::Store(StoreError::ReadOnly) => Refusal::new(Code::ReadOnly),
            Self::Store(
                StoreError::Unavailable { .. } | StoreError::Contention | StoreError::Stale,
            )
            | Self::TaskEnded(_) => Refusal::new(Code::Unavailable),
            _ => Refusal::new(Code::Internal),
        }
    }
}

/// Parts what one of many is refused with, which stands in its own place, from what fails all of them.
pub(crate) fn refusable<T>(result: Result<T>) -> Result<Result<T, Refusal>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Refused(refusal)) => Ok(Err(refusal)),
        Err(error) => Err(error),
    }
}

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;
