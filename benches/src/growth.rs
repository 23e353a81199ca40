//! How the service does as its store grows: the same operations, starts and exports at each size.

use std::time::Duration;

use anyhow::Context as _;

use crate::engine::Site;
use crate::fill::{self, People};
use crate::load::Wrk;
use crate::operations::Operation;
use crate::results::{AppExport, Grown, mebibytes, middle};
use crate::rivals::{Rivals, Rounds};
use crate::say;
use crate::service::{APP, Credentials, Oubli};

/// What is measured: an operation that reads, one that reads, decrypts and logs.
const OPERATIONS: [Operation; 2] = [Operation::Check, Operation::Get];
/// How often the service is started for the median.
const STARTS: usize = 5;
/// How long it is left alone before its idle memory is read.
const IDLE: Duration = Duration::from_secs(3);

/// Fills a store step by step to `sizes`, which rise, and measures at each.
///
/// # Errors
/// When anything fails or is answered other than it should be.
pub(crate) async fn measure(
    oubli: &Oubli<'_>,
    site: &Site,
    rounds: Rounds,
    sizes: &[u32],
    wrk: &mut Wrk,
) -> anyhow::Result<Vec<Grown>> {
    let client = oubli.prepare().await?;
    let (mut grown, mut there) = (Vec::new(), 0);
    for size in sizes.iter().copied() {
        say(&format!("growing to {size} people"));
        fill::import(oubli, site, &People::with_one_record(there..size))?;
        fill::write_lists(site, &client).await?;
        there = size;
        grown.push(at(oubli, site, &client, size, rounds, wrk).await?);
    }
    Ok(grown)
}

async fn at(
    oubli: &Oubli<'_>,
    site: &Site,
    client: &Credentials,
    subjects: u32,
    rounds: Rounds,
    wrk: &mut Wrk,
) -> anyhow::Result<Grown> {
    let app_export = export_app(oubli, site, subjects)?;
    let ready_millis = ready_millis(oubli).await?;
    let service = oubli.start(&[]).await?;
    tokio::time::sleep(IDLE).await;
    let idle_mib = mebibytes(service.process.usage()?.resident);
    say(&format!("ready after {ready_millis:.0} ms, idle with {idle_mib:.0} MiB"));
    let rivals = Rivals::new(site, client, service, subjects)?;
    let operations = rivals.measure(&OPERATIONS, rounds, wrk).await?;
    rivals.service.stop()?;
    Ok(Grown { subjects, ready_millis, idle_mib, operations, app_export })
}

async fn ready_millis(oubli: &Oubli<'_>) -> anyhow::Result<f64> {
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        let service = oubli.start(&[]).await?;
        times.push(service.ready_after.as_secs_f64() * 1e3);
        service.stop()?;
    }
    middle(times, |time| *time).context("the service was never started")
}

/// Exports the app, whose service does not run, and throws the file away.
pub(crate) fn export_app(
    oubli: &Oubli<'_>,
    site: &Site,
    records: u32,
) -> anyhow::Result<AppExport> {
    let file = site.file("app.ndjson");
    let mut command = oubli.command(&["export", "--app", APP]);
    let ended = site.process(command.arg(&file), "export.log")?.wait()?;
    std::fs::remove_file(&file)?;
    let (seconds, peak_mib) = (ended.time.as_secs_f64(), mebibytes(ended.peak));
    say(&format!("exported {records} records in {seconds:.1} s with {peak_mib:.0} MiB at most"));
    Ok(AppExport { records, seconds, peak_mib })
}
