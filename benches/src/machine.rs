//! What a run ran on. Figures without it mean nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use crate::engine::file_system;
use crate::results::{micros, middle};

/// How often the disk is asked to sync.
const SYNCS: usize = 101;

/// A machine.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// The file system that the stores are on.
    pub(crate) file_system: String,
    /// What it takes to make 4 KiB at the end of a file durable: the median. It bounds every write.
    pub(crate) sync_micros: f64,
}

impl Machine {
    /// This machine, and the disk that `folder` is on.
    pub(crate) fn this(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)?;
        let read = |file: &str| fs::read_to_string(file).with_context(|| format!("no {file}"));
        let processor = field(&read("/proc/cpuinfo")?, "model name").unwrap_or_default();
        let memory = field(&read("/proc/meminfo")?, "MemTotal").context("no MemTotal")?;
        let kibibytes: u64 = memory.trim_end_matches(" kB").parse()?;
        Ok(Self {
            processor,
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: (kibibytes + (1 << 19)) >> 20,
            kernel: read("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            file_system: file_system(folder)?,
            sync_micros: sync_micros(folder)?,
        })
    }
}

/// The value of the first `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn sync_micros(folder: &Path) -> anyhow::Result<f64> {
    let path = folder.join("sync");
    let mut file = File::create(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&[0x5a; 4_096])?;
        file.sync_data()?;
        times.push(micros(begun.elapsed()));
    }
    fs::remove_file(&path)?;
    middle(times, |time| *time).context("no sync was timed")
}

/// The commit of the source, with `-dirty` when files differ from it.
pub(crate) fn commit() -> anyhow::Result<String> {
    let output = Command::new("git")
        .args(["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .context("cannot run git")?;
    ensure!(output.status.success(), "git does not know the commit");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
