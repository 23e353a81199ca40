//! The cache of compiled code: files in a private directory, each under a MAC. Code that this host
//! did not write itself is never run.

use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use wasmtime::Engine;
use zeroize::Zeroizing;

use super::code::Authentic;
use crate::digest::{Digest, hex};
use crate::runtime::HostError;

/// What stands before everything else that a MAC is made of.
const LABEL: &[u8] = b"oubli-compiled-plugin-v1\0";
/// The length of a MAC, which stands before the code.
const MAC_BYTES: usize = 32;

/// Compiled code by plugin and engine.
pub(crate) struct Cache {
    directory: PathBuf,
    key: Zeroizing<[u8; 32]>,
    /// SHA-256 of all that code depends on besides the component: the version of the compiler, its
    /// settings, the processor.
    engine: [u8; 32],
}

impl Cache {
    /// Opens the directory, and makes it when it is not there (0700).
    pub(crate) fn open(
        directory: &Path,
        key: Zeroizing<[u8; 32]>,
        engine: &Engine,
    ) -> Result<Self, HostError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(HostError::Directory)?;
        let mode = fs::metadata(directory).map_err(HostError::Directory)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(HostError::DirectoryMode { mode: mode & 0o777 });
        }
        let mut hasher = Sha256Hasher::default();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self { directory: directory.to_owned(), key, engine: hasher.0.finalize().into() })
    }

    /// The code of a plugin, when it is there and this host wrote it for this engine. A file that
    /// is not so is taken away.
    pub(crate) fn load(&self, plugin: Digest) -> io::Result<Option<Authentic>> {
        let mut bytes = Vec::new();
        match File::open(self.path(plugin)) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let code = bytes.split_at_checked(MAC_BYTES).filter(|(mac, code)| {
            self.mac(plugin, code).is_some_and(|right| right.verify_slice(mac).is_ok())
        });
        match code {
            Some((_, code)) => Ok(Some(Authentic::verified(code.to_vec()))),
            None => self.forget(plugin).map(|()| None),
        }
    }

    /// Keeps what the child compiled. It appears whole or not at all.
    pub(crate) fn keep(&self, plugin: Digest, code: Vec<u8>) -> io::Result<Authentic> {
        let mac = self.mac(plugin, &code).ok_or_else(|| io::Error::other("no MAC"))?;
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(&mac.finalize().into_bytes())?;
        file.write_all(&code)?;
        file.persist(self.path(plugin))?;
        Ok(Authentic::verified(code))
    }

    /// Takes the code of a plugin away.
    pub(crate) fn forget(&self, plugin: Digest) -> io::Result<()> {
        match fs::remove_file(self.path(plugin)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, plugin: Digest) -> PathBuf {
        self.directory.join(format!("{}-{}", plugin.hex(), hex(&self.engine)))
    }

    /// Binds the code to the plugin and the engine, so that no file can stand for another. Both have
    /// a fixed length. None only if HMAC refused a key of 32 bytes.
    fn mac(&self, plugin: Digest, code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_slice()).ok()?;
        for part in [LABEL, &plugin.0, &self.engine, code] {
            mac.update(part);
        }
        Some(mac)
    }
}

/// Lets SHA-256 take what hashes itself.
#[derive(Default)]
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|byte: usize| digest[byte]))
    }
}
