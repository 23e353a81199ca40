//! The root key as a value that the platform hands over, such as a container's secret.

use std::fmt;

use zeroize::Zeroizing;

use super::RootKeyProvider;
use super::keyring::{Keyring, decode_key};
use crate::error::VaultError;

/// Root keys from one text: base64 of 32 bytes (version 1), or `version:base64` items behind
/// commas, rising. The service cannot change what the platform holds: versions are added and
/// deleted there, followed by a restart.
pub struct EnvironmentProvider(Keyring);

impl EnvironmentProvider {
    /// Reads the text; `openssl rand -base64 32` makes a key.
    ///
    /// # Errors
    /// `RootKeyMissing` for an empty text; `RootKeyMalformed` with the number of the item.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(VaultError::RootKeyMissing);
        }
        let mut keys = Keyring::default();
        for (index, item) in text.split(',').enumerate() {
            let entry = index + 1;
            let (version, key) = match item.trim().split_once(':') {
                Some((version, key)) => {
                    (version.parse().map_err(|_| VaultError::RootKeyMalformed { entry })?, key)
                }
                None => (1, item.trim()),
            };
            keys.push(entry, version, decode_key(entry, key)?)?;
        }
        Ok(Self(keys))
    }

    fn read_only(&self) -> VaultError {
        VaultError::RootReadOnly { provider: self.name() }
    }
}

impl fmt::Debug for EnvironmentProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvironmentProvider").field("versions", &self.versions()).finish()
    }
}

impl RootKeyProvider for EnvironmentProvider {
    fn name(&self) -> &'static str {
        "environment"
    }

    fn versions(&self) -> Vec<u32> {
        self.0.versions()
    }

    fn current(&self) -> u32 {
        self.0.current()
    }

    fn wrap(&self, version: u32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        self.0.wrap(version, aad, plaintext)
    }

    fn unwrap(
        &self,
        version: u32,
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.0.unwrap(version, aad, wrapped)
    }

    fn add_version(&self) -> Result<u32, VaultError> {
        Err(self.read_only())
    }

    fn delete_version(&self, _version: u32) -> Result<(), VaultError> {
        Err(self.read_only())
    }

    fn can_delete(&self) -> bool {
        false
    }
}
