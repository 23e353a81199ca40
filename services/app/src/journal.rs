//! The journal: what a restore of either database must replay, kept outside both and outside their
//! backups.
//!
//! Each node appends to a file of its own, one JSON object a line, and syncs it before the step is
//! acknowledged. Lines hold random ids alone. An entry may stand there more than once, since a
//! process can die between the sync and the commit that remembers it: a replay must be idempotent.
//! A line that a crash cut short ends in a newline of its own at the next start and is no JSON:
//! what it would have said was never acknowledged.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use oubli_domain::{AppId, KeptItemId, RequestId, SubjectId, Time};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::log::hex;

const PREFIX: &str = "node-";
const SUFFIX: &str = ".ndjson";

/// One line of the journal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The form of the line: 1.
    pub v: u32,
    /// The number of the line in its file, from 1.
    pub position: u64,
    /// When it was written.
    pub at: Time,
    /// The app.
    pub app: AppId,
    /// What must be replayed.
    #[serde(flatten)]
    pub replay: Replay,
}

/// What a restore must replay: the `kind` of a line, with its particulars.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Replay {
    /// The erasure of a person.
    Erasure {
        /// The request that asked for it.
        request: RequestId,
        /// Whom it is about.
        subject: SubjectId,
    },
    /// The going of what was kept of an erased person and is kept no more.
    KeptItems {
        /// The request of the erasure.
        request: RequestId,
        /// What went.
        items: Vec<KeptItemId>,
    },
    /// The deletion of the app, with all its rows and keys.
    AppDeletion,
}

/// This node's file. It is opened at the first entry.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: PathBuf,
    open: Arc<Mutex<Option<Open>>>,
}

#[derive(Debug)]
struct Open {
    file: File,
    lines: u64,
}

impl Journal {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, open: Arc::default() }
    }

    /// Appends an entry and gives its position once it is durable.
    ///
    /// # Errors
    /// `Journal` when the disk refuses; nothing may be destroyed then.
    pub(crate) async fn append(&self, entry: JournalEntry) -> Result<u64> {
        let (folder, open) = (self.folder.clone(), Arc::clone(&self.open));
        let appended = tokio::task::spawn_blocking(move || {
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            append(&folder, &mut open, entry)
        });
        let written = appended.await.map_err(|_| Error::TaskEnded("the journal"))?;
        written.map_err(Error::Journal)
    }
}

fn append(folder: &Path, slot: &mut Option<Open>, mut entry: JournalEntry) -> io::Result<u64> {
    // The file is taken out while it is written to: after an error it is opened and mended anew.
    let mut open = match slot.take() {
        Some(open) => open,
        None => open_file(folder)?,
    };
    entry.position = open.lines + 1;
    let mut line = serde_json::to_vec(&entry)?;
    line.push(b'\n');
    open.file.write_all(&line)?;
    open.file.sync_all()?;
    open.lines = entry.position;
    *slot = Some(open);
    Ok(entry.position)
}

/// The first file that no other process holds, or a new one.
fn open_file(folder: &Path) -> io::Result<Open> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?;
    names.retain(|path| is_journal(path));
    names.sort_unstable();
    for path in names {
        let file = options().open(&path)?;
        match file.try_lock() {
            Ok(()) => return mend(file),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    create(folder)
}

fn is_journal(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

fn create(folder: &Path) -> io::Result<Open> {
    let name = format!("{PREFIX}{}{SUFFIX}", hex(&oubli_vault::random_bytes::<8>()));
    let file = options().create_new(true).open(folder.join(name))?;
    file.try_lock()?;
    // Without this the file's name could be lost with the power, and with it every entry.
    File::open(folder)?.sync_all()?;
    Ok(Open { file, lines: 0 })
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Counts the lines and ends one that was cut short.
fn mend(mut file: File) -> io::Result<Open> {
    let lines = BufReader::new(&file).split(b'\n').try_fold(0, |n, line| line.map(|_| n + 1))?;
    if lines > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            file.sync_all()?;
        }
    }
    Ok(Open { file, lines })
}

/// Every entry of every file of a journal, for a replay. Lines that were cut short are left out.
///
/// # Errors
/// When a file cannot be read.
pub fn read(folder: &Path) -> io::Result<Vec<JournalEntry>> {
    let mut entries = Vec::new();
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|e| e.path())).collect::<io::Result<_>>()?;
    names.sort_unstable();
    for path in names.iter().filter(|path| is_journal(path)) {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            entries.extend(serde_json::from_slice::<JournalEntry>(&line?).ok());
        }
    }
    Ok(entries)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use oubli_domain::{AppId, RequestId, SubjectId, Time};

    use super::{Journal, JournalEntry, Replay, read};

    fn entry() -> JournalEntry {
        let at = Time(1_700_000_000_000_000);
        JournalEntry {
            v: 1,
            position: 0,
            at,
            app: AppId::new("shop").unwrap(),
            replay: Replay::Erasure {
                request: RequestId::fresh(at),
                subject: SubjectId::fresh(at),
            },
        }
    }

    #[tokio::test]
    async fn positions_go_on_after_a_restart_and_a_line_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().join("journal"));
        assert_eq!(journal.append(entry()).await.unwrap(), 1);
        assert_eq!(journal.append(entry()).await.unwrap(), 2);
        drop(journal);
        let path = fs::read_dir(folder.path().join("journal")).unwrap().next().unwrap().unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(path.path()).unwrap();
        file.write_all(b"{\"v\":1,\"posi").unwrap();
        drop(file);
        let journal = Journal::new(folder.path().join("journal"));
        assert_eq!(journal.append(entry()).await.unwrap(), 4);
        let entries = read(&folder.path().join("journal")).unwrap();
        let positions: Vec<u64> = entries.iter().map(|e| e.position).collect();
        assert_eq!(positions, [1, 2, 4]);
    }

    #[test]
    fn lines_have_one_form_for_each_kind() {
        let erasure = serde_json::to_value(entry()).unwrap();
        assert_eq!(erasure["kind"], "erasure");
        assert!(erasure["subject"].is_string() && erasure["request"].is_string());
        let deletion = JournalEntry { replay: Replay::AppDeletion, ..entry() };
        let line = serde_json::to_string(&deletion).unwrap();
        assert!(line.contains(r#""kind":"app_deletion""#), "{line}");
        assert_eq!(serde_json::from_str::<JournalEntry>(&line).unwrap(), deletion);
    }

    #[tokio::test]
    async fn two_processes_never_share_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (Journal::new(folder.path().into()), Journal::new(folder.path().into()));
        assert_eq!(one.append(entry()).await.unwrap(), 1);
        assert_eq!(two.append(entry()).await.unwrap(), 1);
        assert_eq!(one.append(entry()).await.unwrap(), 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        Journal::new(folder.path().into()).append(entry()).await.unwrap();
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
