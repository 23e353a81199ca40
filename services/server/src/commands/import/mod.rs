//! `oubli import`: reads a file of lines, however long, in batches that are durable one by one.

mod batch;
mod counts;
mod input;
mod progress;
mod rejects;
mod screen;

use std::fs::{File, TryLockError};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use oubli_app::import::{self, LineResult};
use oubli_app::{Call, Oubli, apps};
use oubli_domain::AppId;

use super::open;
use super::users::told;
use crate::config::Config;

use batch::{Batch, Entry};
use counts::Fate;
use input::Input;
use progress::{Progress, ProgressFile};
use rejects::{Reason, Rejects};
use screen::Screen;

/// The exit status when some lines were rejected, or the file is not whole.
const REJECTED: u8 = 2;

/// What `oubli import` does.
#[derive(Args, Debug)]
pub struct Import {
    /// Databases, root key, journal.
    #[command(flatten)]
    pub config: Config,
    /// Which app the lines are of. Its data map and notices must be there.
    #[arg(long)]
    pub app: String,
    /// Where lines go that are not imported, each with its number, the reason and itself: personal
    /// data, mode 0600. The file must not exist, unless an import goes on. Without it the first
    /// reasons are told on standard error.
    #[arg(long, value_name = "REJECTS")]
    pub rejects: Option<PathBuf>,
    /// The file; `-` for standard input.
    pub file: PathBuf,
}

/// Imports a file.
pub(super) async fn run(command: Import, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    let app = AppId::new(&*command.app)?;
    if command.file == Path::new("-") {
        let source = Box::new(BufReader::new(io::stdin()));
        return import(command, app, source, None, 0, root_key).await;
    }
    let shown = command.file.display().to_string();
    let file = File::open(&command.file).with_context(|| format!("cannot open {shown}"))?;
    let metadata = file.metadata()?;
    ensure!(!metadata.is_dir(), "{shown} is a folder");
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!("another oubli import reads {shown}"),
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {shown}"));
        }
    }
    let progress = ProgressFile::beside(&command.file);
    let source = Box::new(BufReader::with_capacity(1 << 20, file));
    import(command, app, source, Some(progress), metadata.len(), root_key).await
}

async fn import(
    command: Import,
    app: AppId,
    source: Box<dyn BufRead + Send>,
    file: Option<ProgressFile>,
    bytes: u64,
    root_key: Option<String>,
) -> anyhow::Result<ExitCode> {
    let mut input = Input::new(source);
    let earlier = match &file {
        Some(file) => file.load(app.as_str())?,
        None => None,
    };
    if let (Some(earlier), Some(file)) = (&earlier, &file) {
        go_on(&mut input, earlier, file)?;
    }
    let first = Batch::read(&mut input)?;
    if earlier.is_none() {
        first.refuse_foreign()?;
    }
    let oubli = open(command.config, root_key).await?;
    let done = async {
        let call = Call::system(app);
        told(apps::get(&oubli, &call.caller).await)?;
        let known = earlier.as_ref().map(|earlier| &earlier.rejects);
        let mut progress = earlier.clone().unwrap_or_else(|| Progress {
            app: call.caller.app.to_string(),
            fingerprint: Input::new(io::empty()).fingerprint(),
            ..Progress::default()
        });
        if let (None, Some(file)) = (&earlier, &file) {
            progress.rejects = command.rejects.clone().map(|path| (path, 0));
            file.save(&progress)?;
        }
        let rejects = match Rejects::open(command.rejects.as_deref(), known) {
            Ok(rejects) => rejects,
            Err(error) => {
                if let (None, Some(file)) = (&earlier, &file) {
                    file.remove()?;
                }
                return Err(error);
            }
        };
        let screen = Screen::new(bytes, progress.offset, &rejects);
        let importer = Importer { oubli: &oubli, call, input, file, progress, rejects, screen };
        Box::pin(importer.run(first)).await
    };
    let done = done.await;
    oubli.close().await;
    done
}

/// Reads past what an earlier run has done.
fn go_on<R: BufRead>(
    input: &mut Input<R>,
    earlier: &Progress,
    file: &ProgressFile,
) -> anyhow::Result<()> {
    let found = input.skip(earlier.offset, earlier.lines);
    if !found.is_ok_and(|found| found == earlier.fingerprint) {
        bail!(
            "the file is not the one whose import {} goes on with: move that away to begin anew",
            file.display()
        );
    }
    Ok(())
}

struct Importer<'a> {
    oubli: &'a Arc<Oubli>,
    call: Call,
    input: Input<Box<dyn BufRead + Send>>,
    /// None for standard input, which cannot be read again.
    file: Option<ProgressFile>,
    progress: Progress,
    rejects: Rejects,
    screen: Screen,
}

impl Importer<'_> {
    async fn run(mut self, first: Batch) -> anyhow::Result<ExitCode> {
        let mut batch = first;
        while !batch.entries.is_empty() {
            self.apply(batch).await?;
            batch = Batch::read(&mut self.input)?;
        }
        if let Some(file) = &self.file {
            file.remove()?;
        }
        self.screen.end();
        println!("{}", self.progress.counts);
        let whole = !self.progress.begun || self.progress.whole == Some(true);
        if !whole {
            println!(
                "The file is truncated or was altered: it does not end as its first line asks. \
                 What is imported is every line that is whole in itself."
            );
        }
        let good = whole && self.progress.counts.rejected() == 0;
        Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(REJECTED) })
    }

    /// Applies a batch, then keeps its rejects, then the progress: whatever is cut short is done
    /// again and recognised.
    async fn apply(&mut self, batch: Batch) -> anyhow::Result<()> {
        let mut lines = Vec::with_capacity(batch.entries.len());
        let mut applied = Vec::with_capacity(batch.entries.len());
        for mut entry in batch.entries {
            if !self.is_frame(&entry)
                && let Some(line) = entry.line.take()
            {
                lines.push(line);
                applied.push(entry);
            }
        }
        if !lines.is_empty() {
            let results = told(import::apply(self.oubli, &self.call, lines).await)
                .context("the import stopped; run it again, and it goes on from here")?;
            for (entry, result) in applied.iter().zip(results) {
                self.count(entry, result)?;
            }
        }
        self.rejects.sync().context("the file of rejects cannot be written")?;
        self.progress.rejects = self.rejects.known();
        self.progress.offset = batch.offset;
        self.progress.lines = batch.lines;
        self.progress.fingerprint = batch.fingerprint;
        if let Some(file) = &self.file {
            file.save(&self.progress)?;
        }
        self.screen.at(self.progress.offset, self.progress.lines);
        Ok(())
    }

    /// Takes in the first and the last line of a whole file, which import nothing. Anything after
    /// the last line means that the file is not whole.
    fn is_frame(&mut self, entry: &Entry) -> bool {
        if self.progress.whole.is_some() {
            self.progress.whole = Some(false);
            return false;
        }
        if entry.begins {
            self.progress.begun = true;
            return true;
        }
        match &entry.ends {
            Some(end) if self.progress.begun => {
                let right = end.lines + 2 == entry.number && end.sha256 == entry.before;
                self.progress.whole = Some(right);
                true
            }
            _ => false,
        }
    }

    fn count(&mut self, entry: &Entry, result: LineResult) -> anyhow::Result<()> {
        let fate = match result {
            LineResult::Imported => Fate::Imported,
            LineResult::Unchanged => Fate::Unchanged,
            LineResult::Refused { problem, detail, errors, .. } => {
                let reason = Reason { problem, detail, errors };
                let text = entry.text.as_ref().map(|text| text.as_slice());
                self.rejects.take(entry.number, &reason, text)?;
                Fate::Rejected
            }
        };
        self.progress.counts.add(entry.kind, fate);
        Ok(())
    }
}
