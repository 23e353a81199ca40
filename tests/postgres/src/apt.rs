//! The last resort: a package of the distribution's.

use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::say;

/// Installs a package with apt-get, without what it only recommends. Only root can, and only on Debian
/// and its kin.
///
/// # Errors
/// When the caller is not root, or apt-get fails.
pub fn install_package(package: &str) -> anyhow::Result<()> {
    let user = Command::new("id").arg("-u").output().context("cannot run id")?;
    if user.stdout.trim_ascii() != b"0" {
        bail!("not root, so the package {package} cannot be installed from here");
    }
    say(&format!("no {package} here; installing the package with apt-get"));
    apt_get(&["update", "--quiet"])?;
    apt_get(&["install", "--yes", "--quiet", "--no-install-recommends", package])
}

fn apt_get(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot run apt-get")?;
    ensure!(status.success(), "apt-get {} failed", arguments.join(" "));
    Ok(())
}
