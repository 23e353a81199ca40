//! `oubli demo`.

use std::process::ExitCode;

use crate::cli::Demo;

/// Walks the story.
pub(super) async fn run(command: Demo) -> anyhow::Result<ExitCode> {
    let _ = command;
    anyhow::bail!("not yet")
}
