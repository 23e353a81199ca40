//! `oubli verify`.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use oubli_app::certificate::verify_certificate;

use crate::cli::Verify;

/// Checks a signature with no database and no network.
pub(super) fn run(command: Verify) -> anyhow::Result<ExitCode> {
    let Verify::Certificate { certificate, keys } = command;
    let (jws, keys) = (read(&certificate)?, read(&keys)?);
    match verify_certificate(jws.trim(), &keys) {
        Ok(claims) => {
            println!("{}", serde_json::to_string_pretty(&claims)?);
            println!("The signature holds.");
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            println!("The certificate does not hold: {error}");
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
