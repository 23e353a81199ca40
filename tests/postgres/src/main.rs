//! Runs a command with a PostgreSQL server for its tests: finds or starts one, names it in
//! `OUBLI_TEST_POSTGRES_URL`, stops it afterwards and ends with the command's status. So that the
//! test programs of a workspace, which run one after another, share one server.

use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context, bail};
use oubli_test_postgres::{Durability, URL_VARIABLE, find_or_start};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

/// How long the command may take to end after a signal.
const GRACE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--") {
        arguments.remove(0);
    }
    let Some((program, rest)) = arguments.split_first() else {
        bail!("usage: oubli-test-postgres [--] <command> [argument...]");
    };
    let server = find_or_start(Durability::ThrownAway).await?;
    let mut command = Command::new(program);
    command.args(rest).env(URL_VARIABLE, server.url());
    for name in cargo_package_variables() {
        command.env_remove(name);
    }
    let outcome = run(command).await.with_context(|| format!("cannot run {}", program.display()));
    server.stop().await?;
    Ok(exit_code(outcome?))
}

/// What `cargo run` tells this program about itself. Handed on to another cargo, it would make
/// build scripts that watch these variables run again, and much be compiled anew.
fn cargo_package_variables() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        name.to_str().is_some_and(|name| {
            ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        })
    })
}

/// Runs the command to its end. A signal that would end this program ends the command first, so
/// that the server outlives whoever uses it.
async fn run(mut command: Command) -> anyhow::Result<ExitStatus> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let mut child = command.spawn()?;
    tokio::select! {
        status = child.wait() => return Ok(status?),
        _ = interrupt.recv() => (),
        _ = terminate.recv() => (),
        _ = hang_up.recv() => (),
    }
    end(&mut child).await
}

/// Asks the command to end, and kills it after [`GRACE`].
async fn end(child: &mut Child) -> anyhow::Result<ExitStatus> {
    if let Some(id) = child.id() {
        let _ = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
    }
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        return Ok(status?);
    }
    child.kill().await?;
    Ok(child.wait().await?)
}

/// The command's own code, or 128 and its signal as shells have it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}
