//! `oubli openapi`.

use std::process::ExitCode;

/// Prints the document as the service serves it.
#[expect(clippy::unnecessary_wraps, reason = "all commands have one form")]
pub(super) fn run() -> anyhow::Result<ExitCode> {
    print!("{}", oubli_api::document());
    Ok(ExitCode::SUCCESS)
}
