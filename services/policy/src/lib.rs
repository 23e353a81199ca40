//! The plugin host: what a policy's file is, and how it is signed.
//!
//! This crate alone sees WebAssembly. It must not know SQL, HTTP or async code, nor the vault: it
//! takes bytes and columns and gives verdicts.

pub mod digest;
pub mod manifest;
pub mod signature;
mod text;

pub use digest::Digest;
pub use manifest::{Interface, Manifest, Rule, RuleKind};
pub use signature::{DetachedSignature, SignatureError, TrustedKey};
