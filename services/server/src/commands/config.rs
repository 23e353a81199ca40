//! `oubli config`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::config::http::Http;
use crate::config::load::Report;
use crate::config::{Config, print, refuse};

/// What `oubli config` does.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print the settings in effect as TOML, each with where it came from. Secrets are not shown.
    ///
    /// Example: oubli config print --default > oubli.toml
    Print {
        /// The settings.
        #[command(flatten)]
        settings: Box<Settings>,
        /// Print a file with every setting, what it means and its default instead.
        #[arg(long)]
        default: bool,
    },
    /// Name everything that is wrong with a configuration file, together with the environment, in
    /// the words that a service refuses to start with.
    Check {
        /// The settings.
        #[command(flatten)]
        settings: Box<Settings>,
        /// The file; the one that a service would read unless given.
        #[arg(id = "checked_file", value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the table of all settings, as Markdown.
    Reference,
}

/// Every setting but those of the log, which stand on the command line as a whole.
#[derive(Args, Clone, Debug)]
pub struct Settings {
    /// Databases, root key, journal.
    #[command(flatten)]
    pub config: Config,
    /// Address, bounds.
    #[command(flatten)]
    pub http: Http,
}

/// Prints or checks.
pub(super) fn run(
    command: ConfigCommand,
    report: &Report,
    root_key: Option<String>,
) -> anyhow::Result<ExitCode> {
    match command {
        ConfigCommand::Reference => print!("{}", print::reference()),
        ConfigCommand::Print { default: true, .. } => print!("{}", print::default_file()),
        ConfigCommand::Print { .. } => {
            refuse(&report.faults)?;
            print!("{}", print::effective(report));
        }
        ConfigCommand::Check { mut settings, .. } => {
            refuse(&report.faults)?;
            settings.config.root_key.from_environment = root_key;
            refuse(&settings.faults())?;
            match &report.file {
                Some(path) => println!("{} is right", path.display()),
                None => println!("there is no configuration file, and the environment is right"),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Settings {
    /// What contradicts itself.
    pub(super) fn faults(&self) -> Vec<anyhow::Error> {
        self.config.faults().into_iter().chain(self.http.listen.faults()).collect()
    }
}
