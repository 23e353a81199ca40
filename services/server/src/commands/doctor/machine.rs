//! Folders, files, the port and the disk.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::config::Settings;
use super::Check;

/// Less free space than this is a failure: a write-ahead log alone may need it.
const LEAST_FREE: u64 = 100 << 20;
/// Less free space than this is warned of.
const LITTLE_FREE: u64 = 1 << 30;

/// All checks of the machine.
pub(super) async fn checks(settings: &Settings) -> Vec<Check> {
    let config = &settings.config;
    let mut checks = Vec::new();
    let mut folders = vec![("journal folder", config.work.journal_dir.clone())];
    if !config.root_key.is_given() {
        let parent = config.root_key.root_key_file.parent();
        let parent = parent.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folders.push(("root key folder", parent.to_owned()));
    }
    if config.storage.is_embedded() {
        folders.insert(0, ("data folder", config.storage.data_dir.clone()));
        checks.push(held(&config.storage.data_dir));
    }
    for (name, path) in &folders {
        checks.push(folder(name, path));
        checks.push(space(name, path));
    }
    checks.push(port(settings.http.listen.bind).await);
    checks
}

/// A folder that is there must be ours alone and writable; one that is not is made when needed.
fn folder(name: &'static str, path: &Path) -> Check {
    let shown = path.display();
    let Ok(metadata) = std::fs::metadata(path) else {
        return Check::ok(name, format!("{shown} is not there yet; it is made when it is needed"));
    };
    if !metadata.is_dir() {
        return Check::failure(name, format!("{shown} is no folder"), "name another one");
    }
    let mode = metadata.mode() & 0o777;
    if rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_err() {
        let mend = format!("chown it to the user that the service runs as: chown oubli {shown}");
        return Check::failure(name, format!("{shown} cannot be written"), mend);
    }
    let owner = rustix::process::geteuid();
    if !owner.is_root() && metadata.uid() != owner.as_raw() {
        let mend = format!("chown oubli {shown}");
        return Check::warning(name, format!("{shown} belongs to another user"), mend);
    }
    match mode & 0o077 {
        0 => Check::ok(name, format!("{shown}, mode {mode:04o}")),
        _ if name == "journal folder" && mode & 0o022 == 0 => Check::warning(
            name,
            format!("others can read {shown}, mode {mode:04o}"),
            format!("chmod 700 {shown}"),
        ),
        _ => Check::failure(
            name,
            format!("others can read or write {shown}, mode {mode:04o}"),
            format!("chmod 700 {shown}"),
        ),
    }
}

/// The free space where a folder is, or will be.
fn space(name: &'static str, path: &Path) -> Check {
    let what = match name {
        "data folder" => "disk space of the data folder",
        "journal folder" => "disk space of the journal",
        _ => "disk space of the root key",
    };
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there: Option<PathBuf> = path.ancestors().find(|p| p.exists()).map(Path::to_owned);
    let Some(Ok(disk)) = there.map(rustix::fs::statvfs) else {
        return Check::warning(what, "the disk does not tell", "look at it yourself: df");
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let found = format!("{} MiB free", free >> 20);
    let mend = "free some, or move it to a larger disk: without space nothing is stored or erased";
    match free {
        0..LEAST_FREE => Check::failure(what, found, mend),
        LEAST_FREE..LITTLE_FREE => Check::warning(what, found, mend),
        _ => Check::ok(what, found),
    }
}

/// Whether a process works on the embedded databases. Looking takes a shared lock for a moment.
fn held(folder: &Path) -> Check {
    const NAME: &str = "process";
    match File::open(folder.join("oubli.lock")).map(|file| file.try_lock_shared()) {
        Ok(Err(TryLockError::WouldBlock)) => Check::ok(NAME, "a service runs on the data folder"),
        Ok(Ok(())) => Check::ok(NAME, "no service runs on the data folder"),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Check::ok(NAME, "no service ran on the data folder yet")
        }
        Ok(Err(TryLockError::Error(error))) | Err(error) => Check::failure(
            NAME,
            format!("the lock of the data folder: {error}"),
            "chown the data folder to the user that the service runs as",
        ),
    }
}

/// Whether the port is free, or a service of ours answers there.
async fn port(address: SocketAddr) -> Check {
    const NAME: &str = "address";
    match TcpListener::bind(address) {
        Ok(_) => Check::ok(NAME, format!("{address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            if is_ours(address).await {
                return Check::ok(NAME, format!("a service of Oubli answers on {address}"));
            }
            let mend = "stop it, or choose another with --bind (listen.bind)";
            Check::failure(NAME, format!("another program listens on {address}"), mend)
        }
        Err(error) => {
            let mend = "choose an address of this machine and a port that the user may open";
            Check::failure(NAME, format!("cannot listen on {address}: {error}"), mend)
        }
    }
}

async fn is_ours(mut address: SocketAddr) -> bool {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build();
    let Ok(client) = client else { return false };
    let Ok(answer) = client.get(format!("http://{address}/health/ready")).send().await else {
        return false;
    };
    let body = answer.json::<serde_json::Value>().await.unwrap_or_default();
    body.pointer("/checks/keys_database").is_some()
}
