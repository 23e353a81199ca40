//! `oubli health`.

use std::process::ExitCode;
use std::time::Duration;

use crate::cli::Health;

/// Asks `/health/ready` and prints the answer.
pub(super) async fn run(command: Health) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
    let url = format!("{}/health/ready", command.url.trim_end_matches('/'));
    let answer = client.get(url).send().await?;
    let ready = answer.status().is_success();
    println!("{}", answer.text().await?);
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
