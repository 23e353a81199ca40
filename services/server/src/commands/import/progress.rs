//! How far an import has come: a small file beside the input, so that an import that was
//! interrupted goes on where it was. It holds no personal data.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

use super::counts::Counts;

/// What was done when it was last written: every line before `offset` is durable in the databases.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Progress {
    /// The version of this form.
    pub(super) version: u32,
    /// The app that is imported into.
    pub(super) app: String,
    /// How many bytes of the input are done.
    pub(super) offset: u64,
    /// How many lines that is.
    pub(super) lines: u64,
    /// SHA-256 of these bytes, as hex digits.
    pub(super) fingerprint: String,
    /// Whether the file has a first line that asks for a last one.
    pub(super) begun: bool,
    /// Whether the last line was right; none before it.
    pub(super) whole: Option<bool>,
    pub(super) counts: Counts,
    /// The file of rejects, and how long it is.
    pub(super) rejects: Option<(PathBuf, u64)>,
}

/// The form that is written.
const VERSION: u32 = 1;

/// The file of an input.
pub(super) struct ProgressFile(PathBuf);

impl ProgressFile {
    pub(super) fn beside(input: &Path) -> Self {
        let mut name = input.file_name().unwrap_or_default().to_os_string();
        name.push(".oubli-progress");
        Self(input.with_file_name(name))
    }

    /// What an earlier run left; none when there was none.
    ///
    /// # Errors
    /// When it cannot be read, or is of an import into another app.
    pub(super) fn load(&self, app: &str) -> anyhow::Result<Option<Progress>> {
        let text = match fs::read(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| self.cannot("read")),
        };
        let progress: Progress =
            serde_json::from_slice(&text).with_context(|| self.cannot("understand"))?;
        ensure!(progress.version == VERSION, self.cannot("understand the version of"));
        if progress.app != app {
            bail!(
                "{} is of an import into the app {}: end that import, or move the file away",
                self.0.display(),
                progress.app
            );
        }
        Ok(Some(progress))
    }

    /// Writes it whole or not at all, mode 0600.
    ///
    /// # Errors
    /// When the folder of the input cannot be written.
    pub(super) fn save(&self, progress: &Progress) -> anyhow::Result<()> {
        let progress = Progress { version: VERSION, ..progress.clone() };
        let new = self.0.with_extension("oubli-progress.new");
        let write = || -> io::Result<()> {
            let mut options = OpenOptions::new();
            options.create(true).truncate(true).write(true).mode(0o600);
            let mut file = options.open(&new)?;
            file.write_all(&serde_json::to_vec(&progress)?)?;
            // A power cut must not leave the new name with nothing behind it.
            file.sync_all()?;
            fs::rename(&new, &self.0)
        };
        write().with_context(|| self.cannot("write"))
    }

    /// Removes it, after the end of the input or before anything was done.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        fs::remove_file(&self.0).with_context(|| self.cannot("remove"))
    }

    /// Where it is, for people.
    pub(super) fn display(&self) -> impl std::fmt::Display + '_ {
        self.0.display()
    }

    fn cannot(&self, what: &str) -> String {
        format!("cannot {what} {}", self.0.display())
    }
}
