//! The operations that are measured under load.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One kind of call. Its script is `load/<name>.lua`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    /// Consent check.
    Check,
    /// Consent check of 1,000 people in one call.
    CheckBatch,
    /// Put of a record of 1 KiB.
    Put,
    /// Put of 100 records of 1 KiB in one call.
    Batch,
    /// Get of a record of 1 KiB.
    Get,
    /// Create a subject.
    Create,
    /// Look a subject up by e-mail address.
    Lookup,
    /// Issue an access token.
    Token,
}

impl Operation {
    /// All of them, those that change nothing first.
    pub(crate) const ALL: [Self; 8] = [
        Self::Check,
        Self::CheckBatch,
        Self::Get,
        Self::Lookup,
        Self::Token,
        Self::Put,
        Self::Batch,
        Self::Create,
    ];

    /// Its name on the command line and of its script.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::CheckBatch => "check-batch",
            Self::Put => "put",
            Self::Batch => "batch",
            Self::Get => "get",
            Self::Create => "create",
            Self::Lookup => "lookup",
            Self::Token => "token",
        }
    }

    /// As it is shown.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Check => "consent check",
            Self::CheckBatch => "bulk check of 1,000",
            Self::Put => "record put, 1 KiB",
            Self::Batch => "batch put of 100 × 1 KiB",
            Self::Get => "record get, 1 KiB",
            Self::Create => "subject create",
            Self::Lookup => "lookup",
            Self::Token => "token issue",
        }
    }

    /// How many items a call has.
    pub(crate) const fn items(self) -> u32 {
        match self {
            Self::CheckBatch => 1_000,
            Self::Batch => 100,
            _ => 1,
        }
    }

    /// Whether the baseline has it. A token is made by the service's own cryptography: there is no
    /// bare form of it.
    pub(crate) const fn has_baseline(self) -> bool {
        !matches!(self, Self::Token)
    }
}
