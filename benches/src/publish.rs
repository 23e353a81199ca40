//! Keeping results, and making page and plots of them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::results::Results;
use crate::{plots, report, say};

/// Keeps the results of a run and makes page and plots of them.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn publish(results: &Results) -> anyhow::Result<()> {
    let folder = folder().join("results");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{}.json", results.commit));
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    fs::write(&file, text)?;
    say(&format!("results in {}", file.display()));
    show(results)
}

/// Makes page and plots again.
///
/// # Errors
/// When the file holds no results, or another cannot be written.
pub(crate) fn again(file: &Path) -> anyhow::Result<()> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    show(&serde_json::from_slice(&text).context("the file holds no results")?)
}

fn show(results: &Results) -> anyhow::Result<()> {
    report::write(results, folder())?;
    plots::write(results, &folder().join("plots"))
}

/// The folder of this crate, beside whose code its findings stand.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
