//! One service process on one SQLite folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use anyhow::{Context, bail};

/// Holds the folder until it is dropped; the operating system frees it when the process dies.
#[derive(Debug)]
pub(crate) struct FolderLock(#[expect(dead_code, reason = "held for its lock")] File);

impl FolderLock {
    /// Takes the folder, and leaves this process's id in it for whoever is refused.
    ///
    /// # Errors
    /// When another process holds it, or it cannot be written.
    pub(crate) fn take(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("oubli.lock");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => {
                // On a full disk the service can still answer what it need not write.
                if let Err(error) = sign(&mut file) {
                    tracing::warn!(%error, "the lock of the data folder does not say whose it is");
                }
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => bail!(
                "another oubli runs on {}{}: SQLite is for one process; use PostgreSQL for more",
                folder.display(),
                holder(&mut file)
            ),
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("cannot lock {}", path.display()))
            }
        }
    }
}

fn sign(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who holds the folder, where its file says so: it may be about to.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let id = file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse::<u32>().ok());
    id.map(|id| format!(" (process {id})")).unwrap_or_default()
}
