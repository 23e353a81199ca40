//! `oubli export`.
#![expect(clippy::print_stderr, reason = "standard output may be the export itself")]

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::Args;
use oubli_app::{Call, Exported, Oubli, export_app};
use oubli_domain::AppId;
use tempfile::NamedTempFile;

use super::open;
use crate::config::Config;

/// What `oubli export` does.
#[derive(Args, Debug)]
pub struct Export {
    /// Databases, root key, journal.
    #[command(flatten)]
    pub config: Config,
    /// Which app.
    #[arg(long)]
    pub app: String,
    /// The file, mode 0600, which must not exist; `-` for standard output.
    pub file: PathBuf,
}

/// Writes an app as the lines that `oubli import` reads.
pub(super) async fn run(command: Export, root_key: Option<String>) -> anyhow::Result<ExitCode> {
    let call = Call::system(AppId::new(&*command.app)?);
    if command.file == Path::new("-") {
        let oubli = open(command.config, root_key).await?;
        let done = write(&oubli, &call, &mut io::stdout()).await;
        oubli.close().await;
        tell(done?);
        return Ok(ExitCode::SUCCESS);
    }
    let shown = command.file.display().to_string();
    ensure!(!command.file.exists(), "{shown} exists: it is not overwritten");
    let folder = command.file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = NamedTempFile::new_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("cannot write beside {shown}"))?;
    let oubli = open(command.config, root_key).await?;
    let done = write(&oubli, &call, file.as_file_mut()).await;
    oubli.close().await;
    let done = done?;
    file.as_file().sync_all().with_context(|| format!("cannot write {shown}"))?;
    file.persist_noclobber(&command.file).with_context(|| format!("cannot make {shown}"))?;
    tell(done);
    Ok(ExitCode::SUCCESS)
}

async fn write(
    oubli: &Oubli,
    call: &Call,
    output: &mut (impl Write + Send),
) -> anyhow::Result<Exported> {
    let mut output = BufWriter::new(output);
    let done = export_app(oubli, &call.caller, &mut |line| output.write_all(line)).await?;
    output.flush().context("the export cannot be written")?;
    Ok(done)
}

fn tell(done: Exported) {
    let Exported { subjects, records, consents, restricted, .. } = done;
    eprintln!("{subjects} subjects, {records} records, {consents} consent events");
    if restricted > 0 {
        eprintln!("{restricted} subjects are left out: their processing is restricted (Art. 18)");
    }
    let Exported { undeclared_records: whole, undeclared_fields: fields, .. } = done;
    if whole > 0 || fields > 0 {
        eprintln!(
            "{whole} records, and {fields} fields of others, are left out: the data map does not \
             declare them"
        );
    }
}
