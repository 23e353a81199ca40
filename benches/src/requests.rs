//! Requests of data subjects: the export of a person with many records, and erasures.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::engine::Site;
use crate::results::{Erasures, SubjectExport, mebibytes};
use crate::say;
use crate::service::{Credentials, Oubli, Service};

/// How many people are erased.
const ERASED: usize = 300;
/// How often a request's state is asked for.
const LOOK: Duration = Duration::from_millis(20);
/// How long one request may take.
const LIMIT: Duration = Duration::from_mins(5);
/// Erasures that end at once: a certificate otherwise waits until no node can hold the key, which
/// says nothing about the work.
const NO_WAIT: [&str; 4] = ["--certificate-wait-seconds", "0", "--key-cache-seconds", "0"];

/// Exports the person of an e-mail address, who has `records`.
///
/// # Errors
/// When the request fails or the bundle cannot be downloaded.
pub(crate) async fn export_subject(
    oubli: &Oubli<'_>,
    client: &Credentials,
    email: &str,
    records: u32,
) -> anyhow::Result<SubjectExport> {
    let service = oubli.start(&[]).await?;
    let token = service.token(client).await?;
    service.process.forget_peak()?;
    let before = service.process.usage()?.resident;
    let begun = Instant::now();
    let who = json!({ "type": "email", "value": email });
    let request =
        request(&service, &token, &json!({ "right": "access", "identifier": who })).await?;
    completed(&service, &token, &request).await?;
    let seconds = begun.elapsed().as_secs_f64();
    let issued = format!("/requests/{request}/download");
    let issued = service.call(&token, Method::POST, &issued, None).await?;
    let bytes = service.download(text(&issued, "export")?, text(&issued, "token")?).await?;
    let peak_mib = mebibytes(service.process.usage()?.peak);
    service.stop()?;
    let before_mib = mebibytes(before);
    say(&format!("a person's {records} records in {seconds:.1} s, {peak_mib:.0} MiB at most"));
    Ok(SubjectExport { records, seconds, bytes, before_mib, peak_mib })
}

/// Erases some of the people of a store.
///
/// # Errors
/// When a request fails.
pub(crate) async fn erase(
    oubli: &Oubli<'_>,
    site: &Site,
    client: &Credentials,
) -> anyhow::Result<Erasures> {
    let all = site.subjects().await?;
    ensure!(all.len() >= ERASED, "the store has too few people");
    let service = oubli.start(&NO_WAIT).await?;
    let token = service.token(client).await?;
    let begun = Instant::now();
    let mut requests = Vec::with_capacity(ERASED);
    for id in &all[..ERASED] {
        let subject = format!("sub_{}", id.simple());
        let body = json!({ "right": "erasure", "subject": subject });
        requests.push(request(&service, &token, &body).await?);
    }
    for request in &requests {
        completed(&service, &token, request).await?;
    }
    let seconds = begun.elapsed().as_secs_f64();
    service.stop()?;
    let erasures = Erasures { subjects: u32::try_from(ERASED)?, seconds };
    say(&format!("{:.1} erasures/s", erasures.per_second()));
    Ok(erasures)
}

async fn request(service: &Service, token: &str, body: &Value) -> anyhow::Result<String> {
    let made = service.call(token, Method::POST, "/requests", Some(body)).await?;
    Ok(text(&made, "request")?.to_owned())
}

async fn completed(service: &Service, token: &str, request: &str) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let path = format!("/requests/{request}");
        let found = service.call(token, Method::GET, &path, None).await?;
        match text(&found, "state")? {
            "completed" => return Ok(()),
            "received" | "running" => ensure!(begun.elapsed() < LIMIT, "a request took too long"),
            other => bail!("a request ended as {other}"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn text<'v>(value: &'v Value, member: &str) -> anyhow::Result<&'v str> {
    value[member].as_str().with_context(|| format!("the answer has no {member}"))
}
