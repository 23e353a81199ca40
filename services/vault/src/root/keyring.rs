//! The numbered keys of a provider that holds them in memory.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::aead::Cipher;
use crate::error::VaultError;
use crate::secret::Secret;

/// Keys by version. Never empty once a provider was made of it.
#[derive(Debug, Default)]
pub(super) struct Keyring(BTreeMap<u32, Secret>);

impl Keyring {
    /// Adds a key as entry number `entry` of its source. Versions start at 1 and rise, so that a
    /// line that was repeated or moved by hand is seen.
    pub(super) fn push(
        &mut self,
        entry: usize,
        version: u32,
        secret: Secret,
    ) -> Result<(), VaultError> {
        if version <= self.current() {
            return Err(VaultError::RootKeyMalformed { entry });
        }
        self.0.insert(version, secret);
        Ok(())
    }

    pub(super) fn versions(&self) -> Vec<u32> {
        self.0.keys().copied().collect()
    }

    /// The highest version, 0 while there is none.
    pub(super) fn current(&self) -> u32 {
        self.0.last_key_value().map_or(0, |(version, _)| *version)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &Secret)> {
        self.0.iter().map(|(version, secret)| (*version, secret))
    }

    fn get(&self, version: u32) -> Result<&Secret, VaultError> {
        self.0.get(&version).ok_or(VaultError::RootVersionUnknown { version })
    }

    /// Whether a version may be taken out: it is there and not the current one.
    pub(super) fn check_removable(&self, version: u32) -> Result<(), VaultError> {
        self.get(version)?;
        if version == self.current() {
            return Err(VaultError::RootVersionCurrent { version });
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, version: u32) {
        self.0.remove(&version);
    }

    /// Keeps the versions that `keep` names.
    pub(super) fn retain(&mut self, keep: impl Fn(u32) -> bool) {
        self.0.retain(|version, _| keep(*version));
    }

    pub(super) fn wrap(
        &self,
        version: u32,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        Cipher::of(self.get(version)?).seal(version, aad, plaintext)
    }

    pub(super) fn unwrap(
        &self,
        version: u32,
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        Cipher::of(self.get(version)?).open(version, aad, wrapped).map_err(|error| match error {
            VaultError::Unauthentic => VaultError::RootKeyWrong { version },
            other => other,
        })
    }
}

/// Reads a key: base64 (RFC 4648, padded) of exactly 32 bytes.
pub(super) fn decode_key(entry: usize, text: &str) -> Result<Secret, VaultError> {
    let malformed = || VaultError::RootKeyMalformed { entry };
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| malformed())?);
    Secret::from_slice(&bytes).map_err(|_| malformed())
}

/// Writes a key as [`decode_key`] reads it.
pub(super) fn encode_key(secret: &Secret) -> Zeroizing<String> {
    Zeroizing::new(STANDARD.encode(secret.expose()))
}
