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

use std::process::ExitCode;
use std::sync::Arc;

use oubli_domain::clock::SystemClock;

use super::serve::told_to_stop;
use crate::boot::{Roles, Service};
use crate::cli::Demo;
use crate::config::Listen;
use folder::Folder;
use screen::Screen;
use story::Story;

/// Walks the story. The status is that of its checks.
pub(super) async fn run(command: Demo) -> anyhow::Result<ExitCode> {
    let folder = Folder::make(command.dir)?;
    let told = walk(&folder, command.bind, command.exit).await;
    if command.exit || told.is_err() {
        folder.clear()?;
    }
    Ok(if told? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the service, tells the story and stops the service. Gives whether every check held.
async fn walk(folder: &Folder, bind: std::net::SocketAddr, exit: bool) -> anyhow::Result<bool> {
    let listen = Listen { bind, behind_proxy: false, url: None };
    let roles = Roles { serve: true, work: true };
    let service = Service::start(&folder.config(), &listen, roles, Arc::new(SystemClock)).await?;
    let held = {
        let mut story = Story::new(&service, folder, Screen::new());
        tokio::select! {
            held = story.tell() => {
                if !exit {
                    story.where_to_go_next();
                    told_to_stop().await?;
                }
                held
            }
            stopped = told_to_stop() => stopped.map(|()| false)?,
        }
    };
    service.stop().await;
    Ok(held)
}
