//! The root key in a file of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use zeroize::Zeroizing;

use super::RootKeyProvider;
use super::keyring::{Keyring, decode_key, encode_key};
use super::private_file;
use crate::error::VaultError;
use crate::secret::Secret;

/// Room for a line, so that writing never moves the text and leaves a copy behind.
const LINE_BYTES: usize = 64;

/// Root keys in a text file: one `version base64key` a line, versions rising, each line ended.
/// The file belongs to its owner alone (0600, or 0400 when it is handed over read-only), in a
/// directory of its own (0700) that no backup of the databases takes along.
pub struct FileProvider {
    path: PathBuf,
    keys: RwLock<Keyring>,
}

impl FileProvider {
    /// Makes the file with a new version 1, and its directory where it is missing.
    ///
    /// # Errors
    /// `RootKeyExists`, and the file is left as it is; `RootDirectoryPermissions`;
    /// `RootKeyUnwritable`.
    pub fn create(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let mut keys = Keyring::default();
        keys.push(1, 1, Secret::generate())?;
        private_file::create(path.as_ref(), &print(&keys))?;
        Self::open(path)
    }

    /// Reads the file; writes nothing.
    ///
    /// # Errors
    /// `RootKeyMissing`, `RootKeyUnreadable`, `RootKeyPermissions`, `RootDirectoryPermissions`,
    /// `RootKeyMalformed` with the number of the line.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, VaultError> {
        let keys = parse(&private_file::read(path.as_ref())?)?;
        Ok(Self { path: path.as_ref().to_owned(), keys: RwLock::new(keys) })
    }

    // Nothing panics while it holds the lock, and a keyring is replaced whole: a poisoned lock
    // still guards good keys.
    fn keys(&self) -> RwLockReadGuard<'_, Keyring> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, keys: Keyring) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Changes the file as it is now on the disk, then the keys in memory.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Keyring) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        private_file::locked(&self.path, || {
            let mut keys = parse(&private_file::read(&self.path)?)?;
            let answer = change(&mut keys)?;
            private_file::replace(&self.path, &print(&keys))?;
            self.put(keys);
            Ok(answer)
        })
    }
}

fn parse(text: &str) -> Result<Keyring, VaultError> {
    let mut keys = Keyring::default();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let entry = index + 1;
        // A line without its end was cut short, whatever else it looks like.
        let (version, key) = line
            .strip_suffix('\n')
            .and_then(|line| line.split_once(' '))
            .ok_or(VaultError::RootKeyMalformed { entry })?;
        let version = version.parse().map_err(|_| VaultError::RootKeyMalformed { entry })?;
        keys.push(entry, version, decode_key(entry, key)?)?;
    }
    if keys.current() == 0 { Err(VaultError::RootKeyMalformed { entry: 1 }) } else { Ok(keys) }
}

fn print(keys: &Keyring) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(keys.versions().len() * LINE_BYTES));
    for (version, secret) in keys.iter() {
        text.push_str(&version.to_string());
        text.push(' ');
        text.push_str(&encode_key(secret));
        text.push('\n');
    }
    text
}

impl fmt::Debug for FileProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileProvider")
            .field("path", &self.path)
            .field("versions", &self.versions())
            .finish_non_exhaustive()
    }
}

impl RootKeyProvider for FileProvider {
    fn name(&self) -> &'static str {
        "file"
    }

    fn versions(&self) -> Vec<u32> {
        self.keys().versions()
    }

    fn current(&self) -> u32 {
        self.keys().current()
    }

    fn wrap(&self, version: u32, aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        // Another node may have deleted the version: what this one wrapped under the copy in its
        // memory would be lost at its next start. Wrapping is rare, so the file is read each time.
        self.refresh()?;
        self.keys().wrap(version, aad, plaintext)
    }

    fn unwrap(
        &self,
        version: u32,
        aad: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        // Another node may have added the version since this one read the file.
        if !self.versions().contains(&version) {
            self.refresh()?;
        }
        self.keys().unwrap(version, aad, wrapped)
    }

    fn refresh(&self) -> Result<(), VaultError> {
        self.put(parse(&private_file::read(&self.path)?)?);
        Ok(())
    }

    fn add_version(&self) -> Result<u32, VaultError> {
        self.change(|keys| {
            let version = keys.current().saturating_add(1);
            keys.push(keys.versions().len() + 1, version, Secret::generate())?;
            Ok(version)
        })
    }

    fn delete_version(&self, version: u32) -> Result<(), VaultError> {
        self.change(|keys| {
            keys.check_removable(version)?;
            keys.remove(version);
            Ok(())
        })
    }

    fn can_delete(&self) -> bool {
        true
    }
}
