//! The end of what was started, whatever happens to the process that started it.
//!
//! A destructor does not run when a process is killed, and never for a static. So the server is
//! kept by a small shell script in a process group of its own, whose standard input is a pipe that
//! only this process holds open (Rust opens pipes close-on-exec, so no other child inherits it).
//! However this process ends, by return, panic, Ctrl-C or `kill -9`, the kernel closes the pipe;
//! the script reads the end of file and cleans up.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A script that waits for the end of its input and then cleans up.
#[derive(Debug)]
pub(crate) struct Watchdog {
    child: Child,
}

impl Watchdog {
    /// Runs `script` with `arguments` as `$1`, `$2` and so on. The script must read its input to
    /// the end before it cleans up.
    pub(crate) fn start(
        script: &str,
        arguments: &[&str],
        prepare: impl FnOnce(&mut Command),
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", script, "oubli-test-postgres"]).args(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        // A group of its own: Ctrl-C in a terminal reaches every process of the caller's group.
        command.process_group(0);
        prepare(&mut command);
        let child = command.spawn().context("cannot start sh")?;
        Ok(Self { child })
    }

    /// Whether the script has ended, which it does early only when what it keeps has failed.
    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Lets the script clean up, and waits for it.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        // `wait` closes the pipe first.
        self.child.wait().context("cannot wait for the watchdog")?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Watchdog;

    #[test]
    fn the_script_cleans_up_once_the_pipe_closes() {
        let dir = tempfile::tempdir().unwrap();
        let mark = dir.path().join("cleaned");
        let script = r#"cat >/dev/null; touch "$1""#;
        let mut dog = Watchdog::start(script, &[mark.to_str().unwrap()], |_| ()).unwrap();
        assert!(!dog.has_ended());
        assert!(!mark.exists());
        dog.stop().unwrap();
        assert!(mark.exists());
    }

    #[test]
    fn a_script_that_fails_early_is_seen() {
        let mut dog = Watchdog::start("exit 1", &[], |_| ()).unwrap();
        while !dog.has_ended() {
            std::thread::yield_now();
        }
        dog.stop().unwrap();
    }
}
