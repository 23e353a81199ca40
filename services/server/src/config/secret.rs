//! Secrets that stand in files.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};

/// No honest secret is longer; a wrong path (a device, a log) is not read into memory.
const MOST_BYTES: u64 = 16 * 1024;

/// Reads a secret without the end of its line. `what` names it in errors, which never repeat it.
///
/// # Errors
/// When the file cannot be read, is empty, or others can read it.
pub(super) fn read(what: &str, path: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let named = || format!("the {what} file {}", path.display());
    let file = File::open(path).with_context(named)?;
    // The mode of what is read, even when another file takes its place meanwhile.
    let mode = file.metadata().with_context(named)?.permissions().mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others: chmod 600 it", named());
    }
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).with_context(named)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    ensure!(!secret.is_empty(), "{} is empty", named());
    Ok(secret.to_owned())
}

/// A secret that is given itself or in a file, not both. `flag` is its flag without the dashes.
///
/// # Errors
/// When both are given, or as [`read`].
pub(super) fn either(
    flag: &str,
    value: Option<&String>,
    file: Option<&Path>,
) -> anyhow::Result<Option<String>> {
    match (value, file) {
        (Some(_), Some(_)) => {
            bail!(
                "--{flag} and --{flag}-file are both given (as a flag, in the environment or in the file): give one"
            )
        }
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(file)) => read(flag, file).map(Some),
        (None, None) => Ok(None),
    }
}
