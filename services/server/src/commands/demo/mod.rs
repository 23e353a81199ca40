//! `oubli demo`: the whole story on a fresh embedded store, told through the HTTP API with the curl
//! line of each call. It starts the service as `oubli all` does and knows no other way in, but for
//! the first admin and the search of the raw files. What it prints is checked as it goes.

mod bundle;
mod checks;
mod consent;
mod curl;
mod erasure;
mod export;
mod files;
mod folder;
mod opening;
mod people;
mod screen;
mod shop;
mod story;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use oubli_domain::clock::SystemClock;

use super::serve::told_to_stop;
use crate::boot::{Roles, Service};
use crate::cli::Demo;
use crate::config::http::Http;
use folder::Folder;
use screen::Screen;
use story::Story;

/// The status of a program that was interrupted: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// How a walk ended.
enum Ending {
    /// At its end; whether every check held.
    Told(bool),
    /// Before.
    Interrupted,
}

/// Walks the story. The status is that of its checks.
pub(super) async fn run(command: Demo) -> anyhow::Result<ExitCode> {
    let folder = Folder::make(command.dir)?;
    let ending = walk(&folder, command.bind, command.exit).await;
    if command.exit || !matches!(ending, Ok(Ending::Told(_))) {
        folder.clear()?;
    }
    Ok(match ending? {
        Ending::Told(true) => ExitCode::SUCCESS,
        Ending::Told(false) => ExitCode::FAILURE,
        Ending::Interrupted => ExitCode::from(INTERRUPTED),
    })
}

/// Starts the service, tells the story, stays unless it is to exit, and stops the service.
async fn walk(folder: &Folder, bind: SocketAddr, exit: bool) -> anyhow::Result<Ending> {
    let http = Http::on(bind, None);
    let roles = Roles { serve: true, work: true };
    let service = Service::start(&folder.config(), &http, roles, Arc::new(SystemClock)).await?;
    let mut story = Story::new(&service, folder, Screen::new());
    let ending = tokio::select! {
        held = story.tell() => Ending::Told(held),
        stopped = told_to_stop() => stopped.map(|()| Ending::Interrupted)?,
    };
    if !exit && matches!(ending, Ending::Told(_)) {
        story.where_to_go_next();
        told_to_stop().await?;
    }
    service.stop().await;
    Ok(ending)
}
