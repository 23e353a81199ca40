//! Compiled code is taken from the cache only as this host wrote it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use oubli_policy::{Compiler, Host, HostError, HostOptions, LoadError, Size, Trust};
use tempfile::TempDir;

use crate::fixtures::{full, hostile, hostile_text_with, options};

fn host(directory: &Path, change: impl FnOnce(&mut HostOptions)) -> Host {
    Host::new(options(directory, change)).unwrap()
}

/// A host that can load from its cache alone.
fn without_compiler(directory: &Path) -> Host {
    host(directory, |options| options.compiler = Compiler::new("/bin/false", []))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn load(host: &Host, file: &[u8]) -> Result<(), LoadError> {
    host.load(file, Trust::Anyone, Size::Usual).map(drop)
}

#[test]
fn code_is_compiled_once_and_kept_in_private() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path().join("policy").join("code");
    load(&host(&directory, |_| ()), hostile()).unwrap();
    load(&without_compiler(&directory), hostile()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    assert_eq!(files(&directory).iter().map(|file| mode(file)).collect::<Vec<_>>(), [0o600]);
}

#[test]
fn code_that_was_changed_is_compiled_anew() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path().join("code");
    load(&host(&directory, |_| ()), hostile()).unwrap();
    let path = files(&directory).remove(0);
    let right = fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = right.clone();
        bytes[at] ^= 1;
        bytes
    };
    let wrong = [
        flipped(0),
        flipped(40),
        flipped(right.len() - 1),
        right[..right.len() - 1].to_vec(),
        right[..20].to_vec(),
        Vec::new(),
        [right.as_slice(), b"more"].concat(),
    ];
    for bytes in wrong {
        fs::write(&path, bytes).unwrap();
        assert!(matches!(load(&without_compiler(&directory), hostile()), Err(LoadError::Host(_))));
        assert!(!path.exists());
        load(&host(&directory, |_| ()), hostile()).unwrap();
        assert!(path.exists());
    }
}

#[test]
fn code_of_another_plugin_or_another_key_is_not_taken() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path().join("code");
    let compiling = host(&directory, |_| ());
    load(&compiling, hostile()).unwrap();
    let path = files(&directory).remove(0);
    let other_key = host(&directory, |options| {
        options.cache_key = [8; 32].into();
        options.compiler = Compiler::new("/bin/false", []);
    });
    let mine = fs::read(&path).unwrap();
    assert!(matches!(load(&other_key, hostile()), Err(LoadError::Host(_))));
    let other = full(&hostile_text_with("(global i32 (i32.const 5))"));
    load(&compiling, &other).unwrap();
    fs::write(files(&directory).remove(0), mine).unwrap();
    assert!(matches!(load(&without_compiler(&directory), &other), Err(LoadError::Host(_))));
}

#[test]
fn a_metered_host_has_code_of_its_own_and_forgets_what_it_is_told() {
    let directory = TempDir::new().unwrap();
    let directory = directory.path().join("code");
    let usual = host(&directory, |_| ());
    let plugin = usual.load(hostile(), Trust::Anyone, Size::Usual).unwrap();
    load(&host(&directory, |options| options.metered = true), hostile()).unwrap();
    assert_eq!(files(&directory).len(), 2);
    usual.forget(plugin.digest()).unwrap();
    usual.forget(plugin.digest()).unwrap();
    assert_eq!(files(&directory).len(), 1);
}

#[test]
fn a_directory_that_others_can_read_is_refused() {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o750)).unwrap();
    let refused = Host::new(options(directory.path(), |_| ())).err();
    assert!(matches!(refused, Some(HostError::DirectoryMode { mode: 0o750 })));
}
