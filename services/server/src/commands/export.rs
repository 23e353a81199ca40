//! `oubli export`.
#![expect(clippy::print_stderr, reason = "standard output may be the export itself")]

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use oubli_app::{Call, Exported, Oubli, export_app};
use oubli_domain::AppId;
use tempfile::{Builder, NamedTempFile};

use super::open;
use super::serve::told_to_stop;
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
    let mut file = partial(&command.file)?;
    let oubli = open(command.config, root_key).await?;
    let done = unless(told_to_stop(), write(&oubli, &call, file.as_file_mut())).await;
    oubli.close().await;
    let done = done?;
    let shown = command.file.display();
    file.as_file().sync_all().with_context(|| format!("cannot write {shown}"))?;
    file.persist_noclobber(&command.file).with_context(|| format!("cannot make {shown}"))?;
    tell(done);
    Ok(ExitCode::SUCCESS)
}

/// The file under the name that it has until it is whole, which says what it is should the process
/// be killed. It is removed when it is dropped.
fn partial(file: &Path) -> anyhow::Result<NamedTempFile> {
    let shown = file.display();
    ensure!(!file.exists(), "{shown} exists: it is not overwritten");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".");
    Builder::new()
        .prefix(&name)
        .suffix(".partial")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .with_context(|| format!("cannot write beside {shown}"))
}

/// Ends the work with an error once the process is told to stop, so that what holds plaintext is
/// dropped and not left behind.
async fn unless<T>(
    stop: impl Future<Output = anyhow::Result<()>>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::select! {
        done = work => done,
        stop = stop => {
            stop?;
            bail!("the export was stopped: nothing of it is kept")
        }
    }
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

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;

    use super::{partial, unless};

    #[tokio::test]
    async fn an_export_that_is_stopped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = partial(&folder.path().join("shop.ndjson")).unwrap();
        let name = file.path().file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("shop.ndjson.") && name.ends_with(".partial"), "{name}");
        assert_eq!(file.as_file().metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let work = async {
            file.write_all(b"a person").unwrap();
            std::future::pending::<anyhow::Result<()>>().await
        };
        // The stop comes when the work has begun.
        let stop = async {
            tokio::task::yield_now().await;
            Ok(())
        };
        let stopped = unless(stop, work).await.unwrap_err();
        assert!(stopped.to_string().contains("stopped"), "{stopped}");
        drop(file);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
