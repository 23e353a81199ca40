//! Keeping results, and making page and plots of them.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::results::Results;
use crate::{plots, report, say};

/// Keeps the results of a run in `folder` and makes page and plots of them.
///
/// # Errors
/// When a file cannot be written.
pub(crate) fn publish(results: &Results, folder: &Path) -> anyhow::Result<()> {
    let kept = folder.join("results");
    fs::create_dir_all(&kept)?;
    let file = kept.join(format!("{}.json", results.commit));
    let mut text = serde_json::to_string_pretty(results)?;
    text.push('\n');
    fs::write(&file, text)?;
    say(&format!("results in {}", file.display()));
    show(results, folder)
}

/// Makes page and plots again.
///
/// # Errors
/// When the file holds no results, or another cannot be written.
pub(crate) fn again(file: &Path, folder: &Path) -> anyhow::Result<()> {
    let text = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    show(&serde_json::from_slice(&text).context("the file holds no results")?, folder)
}

fn show(results: &Results, folder: &Path) -> anyhow::Result<()> {
    // The page shows the plots.
    plots::write(results, &folder.join("plots"))?;
    report::write(results, folder)
}
