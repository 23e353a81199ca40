//! Root keys: where they come from and what they wrap. The root key lives in its provider only,
//! never in a database or its backup.
//!
//! This folder owns the provider trait and the three providers of keys in memory: a file, a
//! passphrase, the environment. It must not know what is wrapped: it gets bytes and a binding.
//! Nothing here makes a key unless the caller asked for one to be created.

mod environment;
mod file;
mod keyring;
mod passphrase;
mod private_file;

use std::fmt::Debug;

use zeroize::Zeroizing;

use crate::error::VaultError;

pub use environment::EnvironmentProvider;
pub use file::FileProvider;
pub use passphrase::PassphraseProvider;

/// A holder of numbered root keys. It wraps rather than hands keys out, so that a provider whose
/// keys never leave it (PKCS#11, Vault Transit) fits. Calls may block on a disk or a network.
pub trait RootKeyProvider: Send + Sync + Debug {
    /// What the provider is called in configuration and health checks.
    fn name(&self) -> &'static str;

    /// The versions that it has, rising.
    fn versions(&self) -> Vec<u32>;

    /// The version that new keys are wrapped under: the highest.
    fn current(&self) -> u32;

    /// Wraps `plaintext` under a version, bound to `aad`.
    ///
    /// # Errors
    /// `RootVersionUnknown`, or what the provider meets.
    fn wrap(&self, version: u32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError>;

    /// Unwraps what [`RootKeyProvider::wrap`] wrapped under the same version and `aad`.
    ///
    /// # Errors
    /// `RootVersionUnknown`; `RootKeyWrong` when the key or the binding is another.
    fn unwrap(
        &self,
        version: u32,
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError>;

    /// Reads again which versions there are, where another process may have added or deleted some.
    ///
    /// # Errors
    /// As when the provider was opened; the versions in memory are then left as they are.
    fn refresh(&self) -> Result<(), VaultError> {
        Ok(())
    }

    /// Makes a new version, which is the current one from then on, and answers its number once it
    /// is durable.
    ///
    /// # Errors
    /// `RootReadOnly` when the provider cannot; `RootKeyUnwritable`.
    fn add_version(&self) -> Result<u32, VaultError>;

    /// Destroys a version. What is wrapped under it, in backups too, is unreadable from then on.
    ///
    /// # Errors
    /// `RootReadOnly` when the provider cannot; `RootVersionUnknown`; `RootVersionCurrent`.
    fn delete_version(&self, version: u32) -> Result<(), VaultError>;

    /// Whether [`RootKeyProvider::delete_version`] can work. Where it cannot, an erasure is final
    /// only when the last backup is gone.
    fn can_delete(&self) -> bool;
}
