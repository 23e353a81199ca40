//! `oubli verify`.

use std::error::Error;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use oubli_app::certificate::verify_any;
use oubli_app::receipt::verify_receipt;
use serde::Serialize;

use crate::cli::Verify;

/// Checks a signature with no database and no network.
pub(super) fn run(command: Verify) -> anyhow::Result<ExitCode> {
    match command {
        Verify::Certificate { certificate, keys } => {
            told("certificate", verify_any(&read(&certificate)?, &read(&keys)?))
        }
        Verify::Receipt { receipt, keys } => {
            told("receipt", verify_receipt(&read(&receipt)?, &read(&keys)?))
        }
    }
}

/// Prints what was found, and tells it by the exit code.
fn told(what: &str, found: Result<impl Serialize, impl Error>) -> anyhow::Result<ExitCode> {
    match found {
        Ok(claims) => {
            println!("{}", serde_json::to_string_pretty(&claims)?);
            println!("The signature holds.");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("The {what} does not hold: {error}");
            Ok(ExitCode::FAILURE)
        }
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
