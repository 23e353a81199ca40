//! `oubli`: see `oubli help`.

use std::process::ExitCode;

use clap::Parser;
use oubli_server::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    match oubli_server::run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            // The one place where a command's failure is told, with its causes.
            #[expect(clippy::print_stderr, reason = "a command line speaks on stderr")]
            {
                eprintln!("oubli: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}
