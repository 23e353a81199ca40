//! Where the demo lives: both databases, the root key and the journal, each in a folder of its own.

use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

use crate::config::{Config, RootKey, Storage, Work};

/// The folder of one demo.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Whether we chose it ourselves: then it goes with the demo.
    temporary: bool,
}

impl Folder {
    /// Makes the folder, which must not be there.
    ///
    /// # Errors
    /// When it is there or cannot be made.
    pub(super) fn make(wanted: Option<PathBuf>) -> anyhow::Result<Self> {
        let temporary = wanted.is_none();
        let path = wanted.unwrap_or_else(|| {
            let random = u64::from_be_bytes(oubli_vault::random_bytes());
            std::env::temp_dir().join(format!("oubli-demo-{random:016x}"))
        });
        let path = std::path::absolute(path)?;
        std::fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| {
            format!("the demo needs a folder that is not there yet: {}", path.display())
        })?;
        Ok(Self { path, temporary })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of both databases.
    pub(super) fn databases(&self) -> PathBuf {
        self.path.join("data")
    }

    /// As the service takes it: nothing comes from the environment, so that no demo touches what is
    /// not its own.
    pub(super) fn config(&self) -> Config {
        Config {
            storage: Storage {
                data_dir: self.databases(),
                data_url: None,
                data_url_file: None,
                keys_url: None,
                keys_url_file: None,
                connections: 16,
            },
            root_key: RootKey {
                root_key_file: self.path.join("root-key/root.key"),
                root_passphrase_file: None,
                from_environment: None,
            },
            work: Work {
                journal_dir: self.path.join("journal"),
                key_cache_seconds: 60,
                certificate_wait_seconds: 60,
            },
        }
    }

    /// Writes a file beside the store, for a person to look at or to send.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }

    /// As [`Folder::keep`], for JSON.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn keep_json(&self, name: &str, value: &Value) -> anyhow::Result<()> {
        self.keep(name, &serde_json::to_vec_pretty(value)?)
    }

    /// Deletes the folder, unless somebody chose it.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub(super) fn clear(&self) -> anyhow::Result<()> {
        if self.temporary {
            std::fs::remove_dir_all(&self.path)
                .with_context(|| format!("cannot delete {}", self.path.display()))?;
        }
        Ok(())
    }
}
