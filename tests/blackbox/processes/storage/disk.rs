//! Small disks of a test's own. Only root can mount one.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// When this variable is set, there can be no mounts here: tests that need one say so and pass.
const NO_MOUNTS: &str = "OUBLI_TEST_NO_MOUNTS";
/// What takes the room that is left.
const FILLER: &str = "filler";

/// A disk mounted on a folder. It goes when the value is dropped.
pub(super) struct Disk {
    folder: PathBuf,
    image: Option<PathBuf>,
}

impl Disk {
    /// A disk in memory of so many MiB; none, and loud words, where the tests were told that nothing
    /// can be mounted.
    pub(super) fn of_memory(folder: &Path, mebibytes: u32, options: &str) -> Option<Self> {
        make(folder);
        let options = format!("size={mebibytes}m,mode=0700{options}");
        let mounted = run("mount", &["-t", "tmpfs", "-o", &options, "tmpfs", path(folder)]);
        mounts_are_there(mounted).then(|| Self { folder: folder.to_owned(), image: None })
    }

    /// A disk with a file system in a file, which can fail as a real one does.
    pub(super) fn of_file(folder: &Path, image: &Path, mebibytes: u64) -> Option<Self> {
        make(folder);
        fs::File::create(image).unwrap().set_len(mebibytes << 20).unwrap();
        let mounted = run("mkfs.ext4", &["-q", path(image)]).and_then(|()| mount(image, folder));
        if !mounts_are_there(mounted) {
            return None;
        }
        let disk = Self { folder: folder.to_owned(), image: Some(image.to_owned()) };
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
        fs::remove_dir(folder.join("lost+found")).unwrap();
        Some(disk)
    }

    /// Fills it but for so many bytes.
    pub(super) fn fill_but(&self, room: u64) {
        self.fill();
        let filler = OpenOptions::new().write(true).open(self.folder.join(FILLER)).unwrap();
        filler.set_len(filler.metadata().unwrap().len() - room).unwrap();
    }

    /// Fills what is left of it.
    pub(super) fn fill(&self) {
        let mut options = OpenOptions::new();
        let mut filler = options.create(true).append(true).open(self.folder.join(FILLER)).unwrap();
        // The last steps are small, so that nothing is left.
        for size in [1 << 20, 4_096, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Gives the room back.
    pub(super) fn free(&self) {
        fs::remove_file(self.folder.join(FILLER)).unwrap();
    }

    /// Makes it read-only while nobody writes.
    pub(super) fn close(&self) {
        run("mount", &["-o", "remount,ro", path(&self.folder)]).unwrap();
    }

    /// Makes it writable again.
    pub(super) fn open(&self) {
        run("mount", &["-o", "remount,rw", path(&self.folder)]).unwrap();
    }

    /// Makes it fail: it is read-only from now on, whoever writes, as after a fault of the hardware.
    pub(super) fn fail(&self) {
        run("mount", &["-o", "remount,abort", path(&self.folder)]).unwrap();
    }

    /// Mounts it anew, with what had reached it.
    pub(super) fn mend(&self) {
        run("umount", &[path(&self.folder)]).unwrap();
        mount(self.image.as_deref().unwrap(), &self.folder).unwrap();
    }
}

impl Drop for Disk {
    #[expect(clippy::print_stderr, reason = "a drop has nobody to tell")]
    fn drop(&mut self) {
        // A process that was just killed may still hold a file.
        if let Err(error) = run("umount", &["-l", path(&self.folder)]) {
            eprintln!("{} stays mounted: {error}", self.folder.display());
        }
    }
}

fn make(folder: &Path) {
    fs::DirBuilder::new().mode(0o700).create(folder).unwrap();
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

fn mount(image: &Path, folder: &Path) -> Result<(), String> {
    run("mount", &["-o", "loop", path(image), path(folder)])
}

/// Fails the test when nothing can be mounted, unless the tests were told so.
#[expect(clippy::print_stderr, reason = "who left tests out is told so")]
fn mounts_are_there(mounted: Result<(), String>) -> bool {
    match mounted {
        Ok(()) => true,
        Err(error) if std::env::var_os(NO_MOUNTS).is_some() => {
            eprintln!("NOT TESTED: {NO_MOUNTS} is set, and nothing can be mounted: {error}");
            false
        }
        Err(error) => {
            panic!("nothing can be mounted ({error}); {NO_MOUNTS}=1 leaves these tests out")
        }
    }
}
