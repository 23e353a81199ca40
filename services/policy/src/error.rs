//! What can go wrong with a plugin. No text holds what a person sent; names from a plugin's file are
//! cut and plain.

use std::time::Duration;

use crate::manifest::{Interface, ManifestError};
use crate::signature::SignatureError;

/// Why a plugin was not loaded. Nothing of it ran, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is larger than the limit.
    #[error("the component is larger than the limit `component_bytes` of {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// There is no signature, and this is not development mode.
    #[error("the plugin is not signed")]
    Unsigned,
    /// The file is another than the one that is meant or was signed.
    #[error("the file has another digest than was signed or is expected")]
    DigestMismatch,
    /// The signature is not accepted.
    #[error("the plugin's signature is not accepted")]
    Signature(#[source] SignatureError),
    /// It is compiled code, which is never accepted from outside.
    #[error("the file is compiled code, not a WebAssembly component")]
    Precompiled,
    /// It is a core module.
    #[error("the file is a core WebAssembly module, not a component")]
    NotComponent,
    /// It is not valid WebAssembly, or uses a feature that the host does not run.
    #[error("the file is not a valid WebAssembly component, at byte {offset}")]
    Invalid {
        /// Where it stops to be.
        offset: usize,
    },
    /// The manifest is missing or wrong.
    #[error("the plugin's manifest is not accepted")]
    BadManifest(#[source] ManifestError),
    /// It asks for something from outside.
    #[error("the plugin imports `{name}`; plugins import nothing but types")]
    ImportDenied {
        /// The import, cut to 128 characters.
        name: String,
    },
    /// Its exports are not those that the manifest declares.
    #[error("the plugin's interface `{interface}` {problem}")]
    WrongWorld {
        /// `settings`, `retention`, `guard` or `audit`.
        interface: &'static str,
        /// What is wrong with it.
        problem: WorldProblem,
    },
    /// Compiling it broke a limit.
    #[error("compiling the plugin broke the limit `{limit}` of {value}")]
    CompileLimit {
        /// `compile_time` or `compile_memory`.
        limit: &'static str,
        /// Seconds, or bytes.
        value: u64,
    },
    /// The compiler has bounds of its own.
    #[error("the compiler refused the plugin")]
    CompilerRefused,
    /// It needs more memory, tables or instances at its start than the limits give.
    #[error("the plugin needs more memory, tables or instances than the limits give")]
    Resources,
    /// It started, and failed before it was asked anything.
    #[error("the plugin does not start")]
    DoesNotStart(#[source] RunError),
    /// The host's own trouble: the compiling process, or the cache.
    #[error("the plugin cannot be compiled or kept here")]
    Host(#[source] std::io::Error),
}

/// What is wrong with an interface of a component.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorldProblem {
    /// The manifest declares it, or every plugin has it, and it is not exported.
    Missing,
    /// It is exported and not declared.
    Undeclared,
    /// It has other functions or types than the contract.
    Shape,
}

impl std::fmt::Display for WorldProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Missing => "is not exported",
            Self::Undeclared => "is exported and not declared in the manifest",
            Self::Shape => "has other functions or types than `oubli:policy@1.0.0`",
        })
    }
}

/// Why a run gave nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RunError {
    /// It took too long.
    #[error("the plugin ran longer than the limit `{limit}` of {} ms", .value.as_millis())]
    Timeout {
        /// `chunk_time` or `single_time`.
        limit: &'static str,
        /// Its value.
        value: Duration,
    },
    /// It asked for more memory.
    #[error("the plugin asked for more memory than the limit `{limit}` of {value} bytes")]
    Memory {
        /// `memory` or `large_memory`.
        limit: &'static str,
        /// Its value, in bytes.
        value: usize,
    },
    /// It went too deep.
    #[error("the plugin's stack grew beyond the limit `stack` of {value} bytes")]
    Stack {
        /// The limit, in bytes.
        value: usize,
    },
    /// It trapped: a panic, a division by zero, an access out of bounds.
    #[error("the plugin trapped")]
    Trap,
    /// It gave back too much.
    #[error("the plugin's output is larger than the limit `output` of {value} bytes")]
    OutputLimit {
        /// The limit, in bytes.
        value: usize,
    },
    /// What it gave back breaks the contract.
    #[error("the plugin's output breaks the contract: {0}")]
    BadOutput(BadOutput),
    /// It said that it cannot judge.
    #[error("the plugin refuses: {0}")]
    Policy(PolicyError),
    /// It was not asked: it failed too often in this sweep.
    #[error(
        "the plugin was not asked: it failed more often than `failed_runs` allows, or cannot start"
    )]
    Failing,
    /// It does not export the interface.
    #[error("the plugin does not export `{}`", .0.as_str())]
    NotExported(Interface),
}

/// How an output breaks the contract (`plugins/wit/types.wit`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadOutput {
    /// A pointer, length or string that is none: out of memory, not aligned, not UTF-8.
    #[error("a value is malformed")]
    Malformed,
    /// Columns of different lengths, or a start column that is none.
    #[error("the columns do not fit each other")]
    Columns,
    /// An item that is not in the batch, twice, or out of order.
    #[error("an index is out of range or order")]
    Index,
    /// No action of the interface.
    #[error("an action is unknown")]
    Action,
    /// A rule that is not declared, or does not carry the action.
    #[error("a rule is not declared, or does not carry the action")]
    Rule,
    /// A day that is missing, past, too far off, or where none may be.
    #[error("a day is missing, in the past, too late or out of place")]
    Until,
    /// A field that is not the item's, twice, or where none may be, or none where one must be.
    #[error("a field is not of the item or out of place")]
    Fields,
    /// A message that is too long or not plain text.
    #[error("a message is too long or not plain text")]
    Message,
}

/// What a plugin answers when it cannot judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// The settings are not what it needs.
    #[error("bad settings")]
    BadSettings,
    /// The batch holds what it cannot judge.
    #[error("unsupported")]
    Unsupported,
    /// A fault of its own.
    #[error("internal")]
    Internal,
}
