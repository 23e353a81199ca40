//! Has cargo compile a policy.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{BuildError, read};

/// What policies are compiled for: it has no system, so nothing of one can be asked for.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Small files: they are compiled again wherever they are loaded.
const PROFILE: [&str; 5] = [
    r#"profile.release.opt-level="s""#,
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    r#"profile.release.panic="abort""#,
    "profile.release.strip=true",
];

/// How cargo is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// Where it builds; cargo's own choice when there is nothing here.
    pub target_dir: Option<&'a Path>,
    /// Whether it must take the versions of `Cargo.lock`, and fetch nothing that is not there.
    pub locked: bool,
}

/// The core module of the policy in a folder. Cargo tells of its work on standard error.
pub(crate) fn compile(folder: &Path, options: &Options<'_>) -> Result<Vec<u8>, BuildError> {
    let folder = folder
        .canonicalize()
        .map_err(|source| BuildError::File { path: folder.to_owned(), source })?;
    let output = command(&folder, options).output().map_err(BuildError::Cargo)?;
    if !output.status.success() {
        return Err(BuildError::Compile);
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let module = messages.lines().find_map(|line| module(line, &folder));
    read(&module.ok_or(BuildError::NoModule)?)
}

fn command(folder: &Path, options: &Options<'_>) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder).stderr(Stdio::inherit());
    command.args(["build", "--lib", "--release", "--target", TARGET]);
    command.arg("--message-format=json-render-diagnostics");
    for setting in PROFILE {
        command.args(["--config", setting]);
    }
    if let Some(directory) = options.target_dir {
        command.arg("--target-dir").arg(directory);
    }
    if options.locked {
        command.arg("--locked");
    }
    command
}

/// The module that a message of cargo tells of, when it is that of this folder's crate.
fn module(line: &str, folder: &Path) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(line).ok()?;
    let is_ours = message["reason"] == "compiler-artifact"
        && message["manifest_path"].as_str().map(Path::new) == Some(&folder.join("Cargo.toml"));
    let files = message["filenames"].as_array().filter(|_| is_ours)?;
    let is_module = |path: &&Path| path.extension().is_some_and(|extension| extension == "wasm");
    files.iter().filter_map(Value::as_str).map(Path::new).find(is_module).map(Path::to_owned)
}
