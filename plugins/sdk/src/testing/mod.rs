//! Holds a policy against golden cases: JSON files that the SDK of every language reads, written
//! down in `plugins/golden/README.md`. Runs natively, without WebAssembly.
//!
//! ```no_run
//! # use oubli_policy_sdk::{Policy, Problem, export_policy, Retention, RecordView, Verdict};
//! # struct P; impl Policy for P { type Settings = (); fn new(_: ()) -> Result<Self, Vec<Problem>> { Ok(P) } }
//! # impl Retention for P { fn decide(&self, _: RecordView<'_>) -> Verdict<'_> { Verdict::none() } }
//! # export_policy!(P: retention);
//! oubli_policy_sdk::testing::assert_golden(&PLUGIN, env!("CARGO_MANIFEST_DIR"));
//! ```

mod batch;
mod cases;
mod readable;
mod runner;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub use batch::{Field, Flag, Record, batch};
pub use cases::{Case, Consents, File, Interface, Surroundings};
pub use readable::{Action, Said, readable};

use crate::Plugin;

/// The environment variable that lets [`assert_golden`] write `settings.schema.json` anew.
pub const WRITE_SCHEMA: &str = "OUBLI_WRITE_SCHEMA";

/// Runs every case of `golden/*.json` in the plugin's folder, each also in other batches: alone, in
/// another order, twice, and beside the other cases. Compares `settings.schema.json` with the
/// settings' type.
///
/// # Panics
/// When a case fails, with all that fail; when there is no case, or a file is not of the form.
pub fn assert_golden(plugin: &Plugin, folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let mut failures: Vec<String> = schema_failure(plugin, folder).into_iter().collect();
    let files = golden_files(&folder.join("golden"));
    for path in &files {
        failures.extend(run_file(plugin, path).unwrap_or_else(|failure| vec![failure]));
    }
    if files.is_empty() {
        failures.push("no golden case".to_owned());
    }
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}

/// The cases that fail, each with what was expected and what came.
fn run_file(plugin: &Plugin, path: &Path) -> Result<Vec<String>, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let text = fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let file: File = serde_json::from_str(&text).map_err(|error| format!("{name}: {error}"))?;
    let failures = runner::run(plugin, &file);
    Ok(failures.into_iter().map(|failure| format!("{name}: {failure}")).collect())
}

fn golden_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_json = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "json");
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(is_json).collect();
    files.sort();
    files
}

fn schema_failure(plugin: &Plugin, folder: &Path) -> Option<String> {
    let path = folder.join("settings.schema.json");
    let schema = (plugin.schema)();
    let written = fs::read_to_string(&path).ok();
    let written: Option<Value> = written.and_then(|text| serde_json::from_str(&text).ok());
    if written.as_ref() == Some(&schema) {
        return None;
    }
    if std::env::var_os(WRITE_SCHEMA).is_none() {
        return Some(format!(
            "settings.schema.json is not what the settings' type says: set {WRITE_SCHEMA}=1 and run again"
        ));
    }
    fs::write(&path, format!("{schema:#}\n")).err().map(|error| error.to_string())
}
