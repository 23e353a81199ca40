//! `oubli doctor`: what a service on this configuration would stand on, and how to mend it.

mod databases;
mod machine;

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::config::Settings;
use crate::config::load::Report;

/// What `oubli doctor` checks.
#[derive(Args, Debug)]
pub struct Doctor {
    /// The settings.
    #[command(flatten)]
    pub settings: Settings,
    /// Print the checks as one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// What became of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// It works, and should not be left like this.
    Warning,
    Failure,
    /// What it needs is missing.
    Skipped,
}

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, found: found.into(), mend: None }
    }

    fn skipped(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Skipped, found: found.into(), mend: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Status::Warning, found: found.into(), mend: Some(mend.into()) }
    }

    fn failure(name: &'static str, found: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name, status: Status::Failure, found: found.into(), mend: Some(mend.into()) }
    }
}

/// Runs the checks and prints them.
pub(super) async fn run(
    mut command: Doctor,
    report: &Report,
    root_key: Option<String>,
) -> anyhow::Result<ExitCode> {
    command.settings.config.root_key.from_environment = root_key;
    let checks = all(&command.settings, report).await;
    let failed = checks.iter().any(|check| check.status == Status::Failure);
    if command.json {
        let document = serde_json::json!({ "ok": !failed, "checks": checks });
        println!("{}", serde_json::to_string_pretty(&document)?);
    } else {
        checks.iter().for_each(print);
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(check: &Check) {
    let status = match check.status {
        Status::Ok => "ok  ",
        Status::Warning => "WARN",
        Status::Failure => "FAIL",
        Status::Skipped => "skip",
    };
    println!("{status} {}: {}", check.name, check.found);
    if let Some(mend) = &check.mend {
        println!("       {mend}");
    }
}

/// All checks in their order. Where the configuration is wrong nobody knows what to look at.
async fn all(settings: &Settings, report: &Report) -> Vec<Check> {
    let faults: Vec<String> = if report.faults.is_empty() {
        settings.faults().iter().map(|fault| format!("{fault:#}")).collect()
    } else {
        report.faults.iter().map(ToString::to_string).collect()
    };
    let mut checks = vec![configuration(&faults, report)];
    checks.extend(
        report
            .warnings
            .iter()
            .map(|warning| Check::warning("environment", warning, "unset it, or correct its name")),
    );
    if !faults.is_empty() {
        checks.push(Check::skipped("everything else", "the configuration is wrong"));
        return checks;
    }
    checks.extend(machine::checks(settings).await);
    checks.extend(databases::checks(&settings.config).await);
    checks
}

fn configuration(faults: &[String], report: &Report) -> Check {
    const NAME: &str = "configuration";
    if !faults.is_empty() {
        let mend = "correct it; `oubli config check` says whether it is right";
        return Check::failure(NAME, faults.join("; "), mend);
    }
    match &report.file {
        Some(path) => Check::ok(NAME, format!("{} and the environment", path.display())),
        None => Check::ok(NAME, "the environment, without a file"),
    }
}
