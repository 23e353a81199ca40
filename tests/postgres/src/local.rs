//! A private cluster from local binaries.

use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use tempfile::TempDir;

use crate::find::{Durability, Server};
use crate::sql;
use crate::watchdog::Watchdog;

/// Where Debian and Ubuntu keep the binaries, a folder for each version.
const DEBIAN_FOLDER: &str = "/usr/lib/postgresql";
/// A free port can be taken by another program before the server binds it.
const TRIES: usize = 3;

/// Makes the cluster, runs it, and removes it once the input has ended. `$1` is the folder, `$2`
/// the binaries, `$3` the port, `$4` whether it syncs: `on` or `off`. `synchronous_commit` stays on
/// either way, because the service checks it.
///
/// Two signals: QUIT stops PostgreSQL at once, clients or not, but a shell starts its background
/// jobs with QUIT ignored, so that until PostgreSQL has set its handlers only TERM ends it.
const SCRIPT: &str = r#"
dir=$1 bin=$2 port=$3
exec 3<&0 </dev/null >"$dir/log" 2>&1
"$bin/initdb" --pgdata="$dir/data" --username=postgres --pwfile="$dir/password" \
  --auth=scram-sha-256 --encoding=UTF8 --locale=C --no-sync || exit 1
"$bin/postgres" -D "$dir/data" -k "$dir" -h 127.0.0.1 -p "$port" \
  -c fsync="$4" -c full_page_writes="$4" -c max_connections=300 &
server=$!
{ cat <&3 >/dev/null; touch "$dir/stopping"; kill -TERM "$server"; kill -QUIT "$server"; } &
watch=$!
wait "$server"
if [ -e "$dir/stopping" ]; then rm -rf "$dir"; else kill "$watch"; exit 1; fi
"#;

/// The user that the server runs as when the tests run as root, which PostgreSQL refuses.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// The folder that holds `initdb` and `postgres`: the first on `PATH`, else Debian's newest.
pub(crate) fn find_binaries() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(debian_folders(Path::new(DEBIAN_FOLDER)))
        // Links are followed: the two programs may be linked from a folder without the others.
        .filter_map(|folder| folder.join("initdb").canonicalize().ok())
        .filter_map(|initdb| initdb.parent().map(Path::to_path_buf))
        .find(|folder| folder.join("postgres").is_file())
        .with_context(|| format!("no initdb and postgres on PATH or in {DEBIAN_FOLDER}/*/bin"))
}

/// The `bin` folders of all versions below `root`, newest first.
fn debian_folders(root: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// Starts a private cluster and waits until it answers.
pub(crate) async fn start(binaries: &Path, durability: Durability) -> anyhow::Result<Server> {
    let mut last = None;
    for _ in 0..TRIES {
        match try_start(binaries, durability).await {
            Ok(server) => return Ok(server),
            Err(error) => last = Some(error),
        }
    }
    last.map_or_else(|| bail!("the server was not tried"), Err)
}

async fn try_start(binaries: &Path, durability: Durability) -> anyhow::Result<Server> {
    let account = server_account()?;
    let dir = private_folder(account.as_ref())?;
    let password = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
    write_password(dir.path(), &password, account.as_ref())?;
    let port = free_port()?;
    let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
    let arguments = [text(dir.path())?, text(binaries)?, &port.to_string(), durability.sync()];
    let mut watchdog = Watchdog::start(SCRIPT, &arguments, |command| {
        command.current_dir(dir.path()).env("LC_ALL", "C");
        if let Some(account) = &account {
            command.uid(account.user).gid(account.group);
        }
    })?;
    let log = dir.path().join("log");
    sql::await_ready(&url, || watchdog.has_ended().then(|| last_lines(&log))).await?;
    // From here on the folder is the watchdog's to remove.
    let _ = dir.keep();
    Ok(Server::of_binaries(url, watchdog))
}

/// `postgres`, else `nobody`, when this process is root; none otherwise.
pub(crate) fn server_account() -> anyhow::Result<Option<Account>> {
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    for name in ["postgres", "nobody"] {
        if let (Ok(user), Ok(group)) = (id(&["-u", name]), id(&["-g", name])) {
            return Ok(Some(Account { user, group }));
        }
    }
    bail!("PostgreSQL refuses to run as root, and there is no user postgres or nobody")
}

/// What `id` prints: a user or group number.
fn id(arguments: &[&str]) -> anyhow::Result<u32> {
    let output = Command::new("id").args(arguments).output().context("cannot run id")?;
    String::from_utf8(output.stdout)?.trim().parse().context("id printed no number")
}

/// A folder that the server's user owns and nobody else may enter. As root it is below `/tmp`:
/// root's own `TMPDIR` may be closed to that user.
pub(crate) fn private_folder(account: Option<&Account>) -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("oubli-pg-").permissions(PermissionsExt::from_mode(0o700));
    let dir = match account {
        None => builder.tempdir(),
        Some(_) => builder.tempdir_in("/tmp"),
    };
    let dir = dir.context("cannot make a folder for the cluster")?;
    give_to(dir.path(), account)?;
    Ok(dir)
}

pub(crate) fn write_password(
    dir: &Path,
    password: &str,
    account: Option<&Account>,
) -> anyhow::Result<()> {
    let file = dir.join("password");
    std::fs::write(&file, password).context("cannot write the password file")?;
    give_to(&file, account)
}

fn give_to(path: &Path, account: Option<&Account>) -> anyhow::Result<()> {
    account.map_or(Ok(()), |to| {
        chown(path, Some(to.user), Some(to.group)).context("cannot change an owner")
    })
}

pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}

pub(crate) fn text(path: &Path) -> anyhow::Result<&str> {
    path.to_str().context("a path is not UTF-8")
}

pub(crate) fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(5).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::debian_folders;

    #[test]
    fn the_newest_version_comes_first_by_number() {
        let root = tempfile::tempdir().unwrap();
        for version in ["9", "15", "17", "common"] {
            std::fs::create_dir_all(root.path().join(version).join("bin")).unwrap();
        }
        let folders = debian_folders(root.path());
        let expected = ["17", "15", "9"].map(|version| root.path().join(version).join("bin"));
        assert_eq!(folders, expected);
    }
}
