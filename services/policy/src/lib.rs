//! The plugin host: loads the WebAssembly components that decide what is kept, withheld and reported,
//! and asks them about items.
//!
//! A plugin imports no function. It gets columns ([`Batch`]) and gives back columns, which the host
//! checks whole before anyone sees a [`Verdict`]. What can go wrong is typed ([`LoadError`], [`RunError`]),
//! and an item that a plugin fails at is [`Outcome::Failed`], which nobody can mistake for a verdict.
//!
//! ```text
//! file -> Host::load   size, signature, manifest, imports, exports; compiled by a child process,
//!                      or taken from the cache under its MAC; started once
//!      -> Plugin       Plugin::settings: schema, rules, and the plugin's own check
//!      -> Sweep        batches cut into chunks, a fresh instance for each, failed ones halved
//!      -> Report       one outcome an item; conflict::resolve unites those of several policies
//! ```
//!
//! The contract with plugins is in `plugins/wit`. This crate alone sees WebAssembly and wasmtime. It
//! must not know SQL, HTTP or async code, nor the vault: it takes bytes and columns, blocks its caller,
//! and gives verdicts. The program that it runs in must offer [`compile_child_main`] as a command.

mod batch;
mod chunk;
mod compile;
pub mod conflict;
mod digest;
mod error;
mod host;
mod inspect;
mod limits;
pub mod manifest;
mod output;
mod plugin;
mod runtime;
mod settings;
pub mod signature;
mod sweep;
mod text;
mod verdict;
mod wit;

pub use batch::{Batch, Context, Declared, Field, Item, ItemFlags, PurposeConsents};
pub use compile::{Compiler, compile_child_main};
pub use digest::{Digest, NotADigest};
pub use error::{BadOutput, LoadError, PolicyError, RunError, WorldProblem};
pub use host::{Host, HostOptions, Trust};
pub use inspect::inspect;
pub use limits::Limits;
pub use manifest::{Interface, Manifest, Rule, RuleKind};
pub use plugin::{Plugin, Size};
pub use runtime::{Allocation, HostError};
pub use settings::{Settings, SettingsError, SettingsProblem};
pub use signature::{DetachedSignature, SignatureError, TrustedKey};
pub use sweep::Sweep;
pub use verdict::{
    Act, AuditReport, Effort, Finding, Outcome, Report, Retention, Severity, Verdict, Withhold,
};
