//! A cluster that a test may stop and start again, on the same port.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

use crate::database::TestDatabase;
use crate::find::binaries_or_installed;
use crate::local::{
    Account, free_port, last_lines, private_folder, server_account, text, write_password,
};
use crate::watchdog::Watchdog;
use crate::{DatabasePair, sql};

/// Makes the cluster, and stops and removes it once the input has ended. `$1` is the folder, `$2` the
/// binaries, `$3` where the write-ahead log is to be, or nothing.
const SCRIPT: &str = r#"
dir=$1 bin=$2 log=$3
exec 3<&0 </dev/null >"$dir/log" 2>&1
"$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" \
  --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync \
  ${log:+"--waldir=$log"} ${log:+--wal-segsize=1} && touch "$dir/made" || exit 1
cat <&3 >/dev/null
"$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate stop
rm -rf "$dir"
"#;

/// How a cluster is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// Open transactions are rolled back, and clients are told.
    Fast,
    /// As by a crash: the next start recovers.
    Immediate,
}

/// A PostgreSQL server of a test's own, from local binaries: in a container it would not keep its
/// port. It goes with the value, or with the process.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    binaries: PathBuf,
    account: Option<Account>,
    port: u16,
    url: String,
    // Dropped last: its end removes the folder.
    _watchdog: Watchdog,
}

impl Cluster {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// When there are no binaries and none can be installed, or the server does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::make("").await
    }

    /// The same with the write-ahead log, in segments of 1 MiB, in a folder that is not there yet and
    /// that every user can make. It is left to the test.
    ///
    /// # Errors
    /// As [`Cluster::start`], and when the folder cannot be made.
    pub async fn start_with_log_in(folder: &Path) -> anyhow::Result<Self> {
        Self::make(text(folder)?).await
    }

    async fn make(write_ahead_log: &str) -> anyhow::Result<Self> {
        let binaries = binaries_or_installed()?;
        let account = server_account()?;
        let dir = private_folder(account.as_ref())?;
        let password = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
        write_password(dir.path(), &password, account.as_ref())?;
        let port = free_port()?;
        let arguments = [text(dir.path())?, text(&binaries)?, write_ahead_log];
        let mut watchdog = Watchdog::start(SCRIPT, &arguments, |command| {
            run_as(command, dir.path(), account.as_ref());
        })?;
        let log = dir.path().join("log");
        while !dir.path().join("made").exists() {
            ensure!(!watchdog.has_ended(), "no cluster was made: {}", last_lines(&log));
            tokio::time::sleep(sql::PAUSE).await;
        }
        // From here on the folder is the watchdog's to remove.
        let dir = dir.keep();
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        let cluster = Self { dir, binaries, account, port, url, _watchdog: watchdog };
        cluster.start_again()?;
        Ok(cluster)
    }

    /// Stops the server and waits until it has.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&self, how: Stop) -> anyhow::Result<()> {
        let mode = if how == Stop::Fast { "fast" } else { "immediate" };
        self.pg_ctl(&["--mode", mode, "stop"])
    }

    /// Starts the stopped server on the port that it had, and waits until it answers.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&self) -> anyhow::Result<()> {
        let folder = text(&self.dir)?;
        let options = format!(
            "-k {folder} -h 127.0.0.1 -p {} -c fsync=off -c full_page_writes=off",
            self.port
        );
        let log = self.dir.join("log");
        self.pg_ctl(&["--log", text(&log)?, "--options", &options, "start"])
            .with_context(|| last_lines(&log))
    }

    /// The two databases of an installation, empty.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn fresh_databases(&self) -> anyhow::Result<DatabasePair> {
        Ok(DatabasePair { data: self.database("data").await?, keys: self.database("keys").await? })
    }

    /// An empty database.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn database(&self, prefix: &str) -> anyhow::Result<TestDatabase> {
        TestDatabase::create(&self.url, prefix).await
    }

    fn pg_ctl(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new(self.binaries.join("pg_ctl"));
        command.arg("--pgdata").arg(self.dir.join("data")).arg("--wait").args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C is for the tests, and the watchdog ends the server.
        command.process_group(0);
        run_as(&mut command, &self.dir, self.account.as_ref());
        let status = command.status().context("cannot run pg_ctl")?;
        ensure!(status.success(), "pg_ctl {} failed", arguments.join(" "));
        Ok(())
    }
}

fn run_as(command: &mut Command, dir: &Path, account: Option<&Account>) {
    command.current_dir(dir).env("LC_ALL", "C");
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
}
