//! The whole run.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::cli::Wanted;
use crate::engine::{Engine, Ground, Site};
use crate::fill::{self, People};
use crate::load::{CLIENTS, Wrk};
use crate::machine::{Machine, commit};
use crate::operations::Operation;
use crate::results::{Grown, Measured, OfEngine, Results, Whole};
use crate::rivals::Rivals;
use crate::service::{Credentials, Oubli};
use crate::{growth, publish, requests, say};

/// How many records the person has who is exported.
const MANY_RECORDS: u32 = 10_000;

/// Measures what is wanted, and publishes it when that is all there is.
///
/// # Errors
/// When anything fails, or is answered other than it should be; nothing is published then.
pub(crate) async fn run(wanted: &Wanted) -> anyhow::Result<()> {
    let folder = work_folder()?;
    let mut run = Run { wanted, binary: binary(wanted)?, folder, wrk: Wrk::find()? };
    let machine = Machine::this(&run.folder)?;
    let (commit, date) = (commit()?, today());
    let mut engines = Vec::new();
    for engine in &wanted.engine {
        engines.push(run.engine(*engine).await?);
    }
    let (seconds, rounds) = (wanted.seconds, wanted.rounds);
    let results = Results { commit, date, machine, clients: CLIENTS, seconds, rounds, engines };
    if wanted.is_whole() {
        publish::publish(&results, &wanted.into)?;
    }
    Ok(())
}

struct Run<'w> {
    wanted: &'w Wanted,
    binary: PathBuf,
    folder: PathBuf,
    wrk: Wrk,
}

impl Run<'_> {
    async fn engine(&mut self, engine: Engine) -> anyhow::Result<OfEngine> {
        say(engine.title());
        let ground = Ground::prepare(engine, &self.folder).await?;
        let version = ground.version().await?;
        let growth = if self.wanted.is_whole() { self.growth(&ground).await? } else { Vec::new() };
        let found = self.shop(&ground, engine, version, growth).await?;
        ground.clear().await?;
        Ok(found)
    }

    async fn growth(&mut self, ground: &Ground) -> anyhow::Result<Vec<Grown>> {
        let site = ground.site().await?;
        let oubli = Oubli::new(&self.binary, &site);
        let (rounds, sizes) = (self.wanted.rounds(), self.wanted.sizes());
        growth::measure(&oubli, &site, rounds, &sizes, &mut self.wrk).await
    }

    /// One store of people with several records each: the import that fills it, the operations in
    /// it, and what else is done with it.
    async fn shop(
        &mut self,
        ground: &Ground,
        engine: Engine,
        version: String,
        growth: Vec<Grown>,
    ) -> anyhow::Result<OfEngine> {
        let (site, subjects) = (ground.site().await?, self.wanted.subjects());
        let oubli = Oubli::new(&self.binary, &site);
        let client = oubli.prepare().await?;
        say(&format!("importing {subjects} people"));
        let import = fill::import(&oubli, &site, &People::of_shop(subjects))?;
        say(&format!(
            "{:.0} records/s, {:.0} MiB at most",
            import.records_per_second(),
            import.peak_mib
        ));
        fill::write_lists(&site, &client).await?;
        let whole = self.wanted.is_whole();
        let app_export = whole.then(|| growth::export_app(&oubli, &site, import.records));
        let app_export = app_export.transpose()?;
        let operations = self.operations(&oubli, &site, &client).await?;
        let mut whole = None;
        if let Some(app_export) = app_export {
            let many = People::with_many_records(subjects, MANY_RECORDS);
            fill::import(&oubli, &site, &many)?;
            let email = fill::email(subjects);
            let subject_export =
                requests::export_subject(&oubli, &client, &email, MANY_RECORDS).await?;
            let erasures = requests::erase(&oubli, &site, &client).await?;
            whole = Some(Whole { growth, app_export, subject_export, erasures });
        }
        Ok(OfEngine { engine, version, import, operations, whole })
    }

    async fn operations(
        &mut self,
        oubli: &Oubli<'_>,
        site: &Site,
        client: &Credentials,
    ) -> anyhow::Result<Vec<Measured>> {
        let service = oubli.start(&[]).await?;
        let rivals = Rivals::new(site, client, service, self.wanted.subjects())?;
        let wanted = &self.wanted.operations;
        let all = if wanted.is_empty() { &Operation::ALL[..] } else { wanted };
        let operations = rivals.measure(all, self.wanted.rounds(), &mut self.wrk).await?;
        rivals.service.stop()?;
        Ok(operations)
    }
}

/// The binary that is measured.
fn binary(wanted: &Wanted) -> anyhow::Result<PathBuf> {
    let beside = || std::env::current_exe().map(|own| own.with_file_name("oubli"));
    let binary = std::path::absolute(wanted.oubli.clone().map_or_else(beside, Ok)?)?;
    ensure!(binary.is_file(), "{} is not there: build it first", binary.display());
    Ok(binary)
}

/// Where stores are kept while they are measured: beside the compiled code, which is on a disk.
fn work_folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(Path::parent).context("no folder for the stores")?;
    Ok(folder.join("bench"))
}

#[expect(clippy::disallowed_methods, reason = "the rule is the service's: no clock is here")]
fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}
