//! Where lines go that were not imported: a file of mode 0600, since they are personal data.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oubli_app::import::WrongPlace;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// How many rejected lines are told of on the terminal where no file takes them.
const TOLD: u64 = 20;

/// Why a line was not imported.
pub(super) struct Reason {
    pub(super) problem: String,
    pub(super) detail: String,
    pub(super) errors: Vec<WrongPlace>,
}

/// The file, or the terminal.
pub(super) enum Rejects {
    File { path: PathBuf, file: File, length: u64 },
    Terminal { told: u64 },
}

impl Rejects {
    /// Opens the file. A new one must not exist; one of an earlier run is cut to what that run
    /// knew of.
    ///
    /// # Errors
    /// When it cannot be written, or the earlier run had another file.
    pub(super) fn open(
        path: Option<&Path>,
        earlier: Option<&Option<(PathBuf, u64)>>,
    ) -> anyhow::Result<Self> {
        match (path, earlier) {
            (None, Some(Some((known, _)))) => {
                bail!("the import that this goes on with has --rejects {}", known.display())
            }
            (None, _) => Ok(Self::Terminal { told: 0 }),
            (Some(path), Some(Some((known, _)))) if path != known => {
                bail!("the import that this goes on with has --rejects {}", known.display())
            }
            (Some(path), Some(Some((_, length)))) if *length > 0 || path.exists() => {
                let opened = Self::reopen(path, *length);
                opened.with_context(|| format!("cannot go on with {}", path.display()))
            }
            (Some(path), _) => {
                let mut options = OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(path);
                let file = file.with_context(|| {
                    format!("cannot make {}, where rejected lines would go", path.display())
                })?;
                Ok(Self::File { path: path.to_owned(), file, length: 0 })
            }
        }
    }

    fn reopen(path: &Path, length: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        if file.metadata()?.len() < length {
            return Err(io::Error::other("it is shorter than it was"));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self::File { path: path.to_owned(), file, length })
    }

    /// What the progress keeps of it.
    pub(super) fn known(&self) -> Option<(PathBuf, u64)> {
        match self {
            Self::File { path, length, .. } => Some((path.clone(), *length)),
            Self::Terminal { .. } => None,
        }
    }

    /// Takes a line. On the terminal it stands without its text.
    ///
    /// # Errors
    /// When the file cannot be written.
    #[expect(clippy::print_stderr, reason = "a command line speaks on stderr")]
    pub(super) fn take(
        &mut self,
        number: u64,
        reason: &Reason,
        text: Option<&[u8]>,
    ) -> anyhow::Result<()> {
        match self {
            Self::File { path, file, length } => {
                let row = row(number, reason, text);
                file.write_all(&row).with_context(|| format!("cannot write {}", path.display()))?;
                *length += row.len() as u64;
            }
            Self::Terminal { told } => {
                *told += 1;
                if *told <= TOLD {
                    let places: Vec<String> = reason
                        .errors
                        .iter()
                        .map(|wrong| format!("; {} {}", wrong.pointer, wrong.detail))
                        .collect();
                    let Reason { problem, detail, .. } = reason;
                    eprintln!("line {number}: {problem}: {detail}{}", places.concat());
                } else if *told == TOLD + 1 {
                    eprintln!("more lines are rejected: --rejects FILE keeps them all");
                }
            }
        }
        Ok(())
    }

    /// Makes what was taken durable.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.sync_data(),
            Self::Terminal { .. } => Ok(()),
        }
    }
}

/// A line of the file: JSON with the line itself as `text`, or as `base64` where it is not UTF-8.
/// One that was too long to be held has neither.
fn row(number: u64, reason: &Reason, text: Option<&[u8]>) -> Zeroizing<Vec<u8>> {
    let errors: Vec<Value> = reason
        .errors
        .iter()
        .map(|wrong| json!({ "pointer": wrong.pointer, "detail": wrong.detail }))
        .collect();
    let mut row = json!({
        "line": number, "problem": reason.problem, "detail": reason.detail, "errors": errors,
    });
    match text.map(|text| (std::str::from_utf8(text), text)) {
        Some((Ok(text), _)) => row["text"] = text.into(),
        Some((Err(_), bytes)) => row["base64"] = STANDARD.encode(bytes).into(),
        None => {}
    }
    let mut bytes = Zeroizing::new(row.to_string().into_bytes());
    bytes.push(b'\n');
    bytes
}
