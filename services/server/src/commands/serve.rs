//! `oubli all`, `oubli serve`, `oubli worker`.

use std::process::ExitCode;
use std::sync::Arc;

use oubli_domain::clock::SystemClock;
use tokio::signal::unix::{SignalKind, signal};

use crate::boot::{Roles, Service};
use crate::cli::Run;
use crate::open_files;

/// Runs until told to stop, then drains.
pub(super) async fn run(
    mut run: Run,
    roles: Roles,
    root_key: Option<String>,
) -> anyhow::Result<ExitCode> {
    run.config.root_key.from_environment = root_key;
    if roles.serve {
        open_files::allow_for(run.http.limits.connections);
    }
    let service = Service::start(&run.config, &run.http, roles, Arc::new(SystemClock)).await?;
    if let Some(address) = service.address {
        tracing::info!(%address, "listening");
    }
    told_to_stop().await?;
    tracing::info!("stopping: open requests and job steps are ended first");
    service.stop().await;
    Ok(ExitCode::SUCCESS)
}

/// Waits for SIGTERM or SIGINT.
pub(super) async fn told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
    }
}
