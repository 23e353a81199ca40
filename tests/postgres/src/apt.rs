//! The last resort: the distribution's package.

use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

use crate::say;

/// Installs PostgreSQL with apt-get. Only root can, and only on Debian and its kin.
pub(crate) fn install_postgresql() -> anyhow::Result<()> {
    let user = Command::new("id").arg("-u").output().context("cannot run id")?;
    if user.stdout.trim_ascii() != b"0" {
        bail!("not root, so the package cannot be installed");
    }
    say("no PostgreSQL here; installing the package with apt-get");
    apt_get(&["update", "--quiet"])?;
    apt_get(&["install", "--yes", "--quiet", "--no-install-recommends", "postgresql"])
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
