//! A server process: its life, and what the kernel tells of its CPU time and memory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};

/// The unit of CPU time in `/proc/<pid>/stat`, which Linux fixes for programs.
const TICK: Duration = Duration::from_millis(10);

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    begun: Instant,
    log: PathBuf,
}

/// What a process has used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// CPU time since its start, in user and kernel mode.
    pub(crate) cpu: Duration,
    /// Resident memory now, in bytes.
    pub(crate) resident: u64,
    /// The most resident memory since the start or [`Process::forget_peak`], in bytes.
    pub(crate) peak: u64,
}

/// What a process came to that ended by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    /// How long it ran.
    pub(crate) time: Duration,
    /// The most resident memory, in bytes, as it was last seen before the end.
    pub(crate) peak: u64,
}

/// How many lines of its log are shown.
const LAST_WORDS: usize = 10;

/// How often memory is looked at while a process is waited for.
const LOOK: Duration = Duration::from_millis(20);

impl Process {
    /// Starts `command`, whose standard error goes to the end of the file `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let shown = command.get_program().display().to_string();
        let begun = Instant::now();
        let child = command.stdin(Stdio::null()).stderr(file).spawn();
        let child = child.with_context(|| format!("cannot start {shown}"))?;
        Ok(Self { child, begun, log: log.to_path_buf() })
    }

    /// Its standard output, when `command` had it piped and it was not taken yet.
    pub(crate) fn output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.child.id();
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let cpu = cpu_of(&stat).context("/proc/<pid>/stat is not as expected")?;
        let of = |name| memory_of(&status, name).with_context(|| format!("no {name}"));
        Ok(Usage { cpu, resident: of("VmRSS")?, peak: of("VmHWM")? })
    }

    /// Begins the peak of memory anew, from what is resident now.
    pub(crate) fn forget_peak(&self) -> anyhow::Result<()> {
        let file = format!("/proc/{}/clear_refs", self.child.id());
        fs::write(&file, "5").with_context(|| format!("cannot write {file}"))
    }

    /// The end of what it wrote to its log: what went wrong, when something did.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }

    /// Whether it runs.
    pub(crate) fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it ends by itself; a status other than 0 is an error.
    pub(crate) fn wait(mut self) -> anyhow::Result<Ended> {
        let mut peak = 0;
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "it ended with {status}: {}", self.last_words());
                return Ok(Ended { time: self.begun.elapsed(), peak });
            }
            // It may end between the two looks, and then has no memory any more.
            peak = self.usage().map_or(peak, |usage| usage.peak.max(peak));
            std::thread::sleep(LOOK);
        }
    }

    /// Tells it to stop and waits; a status other than 0 is an error.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        if self.runs() {
            kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "it ended with {status}: {}", self.last_words());
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may find that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// User and kernel time are the 14th and 15th field; the 2nd, in brackets, may hold anything.
fn cpu_of(stat: &str) -> Option<Duration> {
    let after_name = stat.rsplit_once(')')?.1;
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u32>().ok()? + fields.next()?.parse::<u32>().ok()?;
    Some(TICK * ticks)
}

fn memory_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let kibibytes: u64 = line.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1_024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{cpu_of, memory_of};

    #[test]
    fn a_name_with_brackets_and_spaces_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 900 0 3 0 120 34 0 0 20 0 5 0 1 2 3";
        assert_eq!(cpu_of(stat), Some(Duration::from_millis(1_540)));
        assert_eq!(cpu_of("7 (oubli) S 1 7"), None);
    }

    #[test]
    fn memory_is_told_in_bytes() {
        let status = "Name:\toubli\nVmHWM:\t   20480 kB\nVmRSS:\t   10240 kB\n";
        assert_eq!(memory_of(status, "VmHWM"), Some(20_480 * 1_024));
        assert_eq!(memory_of(status, "VmSwap"), None);
    }
}
