//! Reading and replacing a small file that belongs to one owner alone.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::VaultError;

/// No honest file is larger; a wrong path (a device, a log) is not read into memory.
const MAXIMUM_BYTES: u64 = 64 * 1024;
const OTHERS_READ_OR_WRITE: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file beside `path`, named after it.
fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(suffix);
    path.with_file_name(name)
}

/// Reads the file, after a look at who else can get at it. Writes nothing. A file that was replaced
/// meanwhile is read again: the old one is overwritten, see [`replace`].
///
/// The mode is taken from the open file, so that it is the mode of what is read. A directory that
/// others can write to is refused: they could put another file in its place.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, VaultError> {
    loop {
        let (text, read) = read_once(path)?;
        let now = fs::metadata(path).map_err(VaultError::RootKeyUnreadable)?;
        if (now.dev(), now.ino()) == read {
            return Ok(text);
        }
    }
}

/// The text, and which file it was: its device and its number there.
fn read_once(path: &Path) -> Result<(Zeroizing<String>, (u64, u64)), VaultError> {
    let unreadable = VaultError::RootKeyUnreadable;
    let file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => VaultError::RootKeyMissing,
        _ => unreadable(error),
    })?;
    let metadata = file.metadata().map_err(unreadable)?;
    check_mode(&metadata, OTHERS_READ_OR_WRITE)
        .map_err(|mode| VaultError::RootKeyPermissions { mode })?;
    check_mode(&fs::metadata(directory_of(path)).map_err(unreadable)?, OTHERS_WRITE)
        .map_err(|mode| VaultError::RootDirectoryPermissions { mode })?;
    let mut text = Zeroizing::new(String::with_capacity(4096));
    file.take(MAXIMUM_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    Ok((text, (metadata.dev(), metadata.ino())))
}

fn check_mode(metadata: &fs::Metadata, forbidden: u32) -> Result<(), u32> {
    let mode = metadata.mode() & 0o777;
    if mode & forbidden == 0 { Ok(()) } else { Err(mode) }
}

/// Makes the file and, where it is missing, its directory (mode 0700). The file must not exist.
pub(super) fn create(path: &Path, text: &str) -> Result<(), VaultError> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(VaultError::RootKeyUnwritable)?;
    let metadata = fs::metadata(directory).map_err(VaultError::RootKeyUnwritable)?;
    check_mode(&metadata, OTHERS_READ_OR_WRITE)
        .map_err(|mode| VaultError::RootDirectoryPermissions { mode })?;
    locked(path, || {
        // Anything under this name counts, a dangling link too.
        if fs::symlink_metadata(path).is_ok() {
            return Err(VaultError::RootKeyExists);
        }
        write(path, text).map_err(VaultError::RootKeyUnwritable)
    })
}

/// Replaces the file's text and overwrites what it held before.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), VaultError> {
    let rewrite = || {
        let mut old = OpenOptions::new().write(true).open(path)?;
        write(path, text)?;
        // The old text still lies on the disk, without a name. Overwriting it is a best effort:
        // a copy-on-write file system or a flash disk may keep it until the block is reused.
        let length = old.metadata()?.len().min(MAXIMUM_BYTES);
        let zeros = vec![0; usize::try_from(length).unwrap_or(0)];
        old.write_all(&zeros)?;
        old.sync_all()
    };
    rewrite().map_err(VaultError::RootKeyUnwritable)
}

/// Runs `work` while no other process changes the file. The lock is a file of its own, because
/// the file itself is replaced.
pub(super) fn locked<T>(
    path: &Path,
    work: impl FnOnce() -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(sibling(path, ".lock"))
        .map_err(VaultError::RootKeyUnwritable)?;
    lock.lock().map_err(VaultError::RootKeyUnwritable)?;
    work()
}

/// Puts the text under the file's name at once and durably: written and synced beside it, renamed
/// over it, and the directory synced. A crash leaves the old file or the new, never a part.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let temporary = sibling(path, ".new");
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(directory_of(path))?.sync_all()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::{fs, io};

    use super::{create, read, replace, sibling};
    use crate::error::VaultError;

    #[test]
    fn a_file_is_read_up_to_64_kib() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root/root.key");
        create(&path, &"x".repeat(100_000)).unwrap();
        assert_eq!(read(&path).unwrap().len(), 65_536);
    }

    #[test]
    fn what_lies_in_the_way_is_told_of_and_the_file_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("root/root.key");
        create(&path, "text").unwrap();
        fs::create_dir(sibling(&path, ".new")).unwrap();
        let error = replace(&path, "other").unwrap_err();
        let VaultError::RootKeyUnwritable(error) = error else { panic!("{error}") };
        assert_eq!(error.kind(), io::ErrorKind::IsADirectory);
        assert_eq!(*read(&path).unwrap(), "text");
    }

    #[test]
    fn a_reader_never_sees_what_a_replacement_overwrites() {
        let dir = tempfile::tempdir().unwrap();
        let (path, done) = (dir.path().join("root/root.key"), AtomicBool::new(false));
        create(&path, "text 0").unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    assert!(read(&path).unwrap().starts_with("text "));
                }
            });
            for n in 1..200 {
                replace(&path, &format!("text {n}")).unwrap();
            }
            done.store(true, Ordering::SeqCst);
            reader.join().unwrap();
        });
    }
}
