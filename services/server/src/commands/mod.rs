//! The subcommands, one file each. They speak on standard output; logs go to standard error.
#![expect(clippy::print_stdout, reason = "a command line speaks on stdout")]

mod apps;
mod clients;
pub(crate) mod config;
mod demo;
pub(crate) mod doctor;
pub(crate) mod export;
mod health;
pub(crate) mod import;
pub(crate) mod keys;
mod migrate;
mod openapi;
mod serve;
mod users;
mod verify;

use std::process::ExitCode;
use std::sync::Arc;

use oubli_app::Oubli;
use oubli_domain::clock::SystemClock;

use crate::boot::{self, Roles};
use crate::cli::{Cli, Command};
use crate::config::load::Loaded;
use crate::config::settings::ROOT_KEY;
use crate::config::{Config, refuse};
use crate::telemetry;

/// Runs a command line.
///
/// # Errors
/// When the command fails, or its settings cannot be used; a check that does not hold is no error but
/// a status.
pub async fn run(loaded: Loaded) -> anyhow::Result<ExitCode> {
    let Loaded { cli, report } = loaded;
    telemetry::start(&quieter(&cli), cli.log.format)?;
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
    let from_environment = std::env::var(ROOT_KEY).ok();
    if !matches!(cli.command, Command::Config(_) | Command::Doctor(_)) {
        refuse(&report.faults)?;
    }
    match cli.command {
        Command::All(run) => {
            serve::run(*run, Roles { serve: true, work: true }, from_environment).await
        }
        Command::Serve(run) => {
            serve::run(*run, Roles { serve: true, work: false }, from_environment).await
        }
        Command::Worker(run) => {
            serve::run(*run, Roles { serve: false, work: true }, from_environment).await
        }
        Command::Migrate(migrate) => migrate::run(migrate).await,
        Command::User(user) => users::run(user, from_environment).await,
        Command::App(app) => apps::run(app, from_environment).await,
        Command::Client(client) => clients::run(client, from_environment).await,
        Command::Keys(keys) => keys::run(keys, from_environment).await,
        Command::Demo(demo) => demo::run(demo).await,
        Command::Config(config) => config::run(config, &report, from_environment),
        Command::Doctor(command) => doctor::run(*command, &report, from_environment).await,
        Command::Import(import) => import::run(*import, from_environment).await,
        Command::Export(export) => export::run(*export, from_environment).await,
        Command::Openapi => openapi::run(),
        Command::Verify(verify) => verify::run(verify),
        Command::Health(health) => health::run(health).await,
    }
}

/// Short commands log only what is wrong, unless asked for more. The demo warns in its own words.
fn quieter(cli: &Cli) -> String {
    match &cli.command {
        _ if cli.log.filter != "info" => cli.log.filter.clone(),
        Command::All(_) | Command::Serve(_) | Command::Worker(_) => cli.log.filter.clone(),
        Command::Demo(_) => "error".to_owned(),
        _ => "warn".to_owned(),
    }
}

/// Opens the service for one command. It issues no tokens, so its issuer does not matter.
async fn open(mut config: Config, root_key: Option<String>) -> anyhow::Result<Arc<Oubli>> {
    config.root_key.from_environment = root_key;
    boot::open(&config, Arc::new(SystemClock), "urn:oubli:command-line".to_owned()).await
}
