//! The binary `oubli`: configuration, telemetry, wiring, subcommands.
//!
//! What a process needs stands here and nothing else: rules are in `domain`, use cases in `app`.
//! [`boot::Service::start`] is the one place where the service is put together; the tests start it
//! too, on port 0.

pub mod boot;
pub mod cli;
mod commands;
pub mod config;
mod http;
mod lock;
mod open_files;
mod root_key;
mod telemetry;

pub use commands::run;
pub use config::load::command_line;
