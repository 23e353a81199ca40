//! Load by `wrk`: 32 connections of one thread, each of which asks again once it was answered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use oubli_test_postgres::install_package;
use serde::Deserialize;

use crate::operations::Operation;

/// How many clients ask at the same time.
pub(crate) const CLIENTS: u32 = 32;
/// How long an answer may take, which is well below a round: wrk counts an answer as too late once it
/// comes, so one that would come after the round is never seen to be.
const ANSWER_LIMIT: &str = "2s";
/// The same in the run that looks at each answer: on a busy machine the first ones take longer.
const CHECKED_LIMIT: &str = "20s";
/// How long the run takes that looks at each answer, before those that measure.
const CHECKED: Duration = Duration::from_secs(2);
/// The same when no answer came in that time.
const CHECKED_LONGER: Duration = Duration::from_secs(20);

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Target {
    Service,
    Baseline,
}

/// What the calls of a run need.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    pub(crate) target: Target,
    pub(crate) operation: Operation,
    /// Host and port.
    pub(crate) address: String,
    /// The access token; empty where none is needed.
    pub(crate) token: String,
    /// The folder of `subjects` and the other files that the scripts read.
    pub(crate) folder: PathBuf,
    /// How many people there are.
    pub(crate) subjects: u32,
}

impl Calls {
    fn unanswered(&self) -> String {
        format!("{} of {:?}: no answer came", self.operation.name(), self.target)
    }
}

/// What one run of wrk found, all of whose answers were good.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    /// Answers.
    pub(crate) requests: u64,
    /// For how long.
    pub(crate) time: Duration,
    /// The latency that half of the answers kept to.
    pub(crate) p50: Duration,
    /// The latency that 99 of 100 answers kept to.
    pub(crate) p99: Duration,
}

/// The line that `load/common.lua` prints.
#[derive(Deserialize, Debug)]
struct Summary {
    requests: u64,
    micros: u64,
    p50: f64,
    p99: f64,
    refused: u64,
    timeouts: u64,
    socket_errors: u64,
    bad: u64,
    statuses: String,
    first_bad: String,
}

/// The load tool and its scripts.
#[derive(Debug)]
pub(crate) struct Wrk {
    scripts: PathBuf,
    /// Counts the runs, so that ids which must be fresh differ between them.
    runs: u32,
}

impl Wrk {
    /// Finds wrk on `PATH`, or installs it as root.
    ///
    /// # Errors
    /// When it cannot be had; the text says what to install.
    pub(crate) fn find() -> anyhow::Result<Self> {
        if !is_there() {
            install_package("wrk")
                .context("wrk is needed: install it (Debian and Ubuntu: apt install wrk)")?;
            ensure!(is_there(), "wrk was installed, but is not on PATH");
        }
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
        Ok(Self { scripts, runs: 0 })
    }

    /// A short run that looks at every answer.
    ///
    /// # Errors
    /// When an answer was not good; tells the counts by status and shows the first such body.
    pub(crate) fn check(&mut self, calls: &Calls) -> anyhow::Result<()> {
        if self.run(calls, CHECKED, true)?.is_none() {
            // A large batch on a busy machine.
            self.run(calls, CHECKED_LONGER, true)?.with_context(|| calls.unanswered())?;
        }
        Ok(())
    }

    /// A run that measures.
    ///
    /// # Errors
    /// When an answer was not 2xx or came too late, an item of a batch failed, or a connection broke.
    pub(crate) fn measure(&mut self, calls: &Calls, time: Duration) -> anyhow::Result<Found> {
        let measured = self.run(calls, time, false);
        if measured.is_err() {
            // The measuring run only counts what is wrong; this one shows it, if it is still wrong.
            self.run(calls, CHECKED, true)?;
        }
        measured?.with_context(|| calls.unanswered())
    }

    /// None when no answer came in that time, and nothing went wrong.
    fn run(
        &mut self,
        calls: &Calls,
        time: Duration,
        checks: bool,
    ) -> anyhow::Result<Option<Found>> {
        self.runs += 1;
        let script = self.scripts.join(format!("{}.lua", calls.operation.name()));
        let output = Command::new("wrk")
            .args(["-t1", &format!("-c{CLIENTS}"), &format!("-d{}s", time.as_secs())])
            .args(["--timeout", if checks { CHECKED_LIMIT } else { ANSWER_LIMIT }, "-s"])
            .arg(script)
            .arg(format!("http://{}", calls.address))
            .envs(self.settings(calls, checks))
            .stdin(Stdio::null())
            .output()
            .context("cannot run wrk")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let summary = text.lines().find_map(|line| line.strip_prefix("RESULT "));
        let Some(summary) = summary.filter(|_| output.status.success()) else {
            bail!("wrk failed: {}{text}", String::from_utf8_lossy(&output.stderr));
        };
        let summary: Summary = serde_json::from_str(summary).context("wrk's summary")?;
        summary.judged(calls, checks)
    }

    fn settings(&self, calls: &Calls, checks: bool) -> BTreeMap<&'static str, String> {
        let target = match calls.target {
            Target::Service => "service",
            Target::Baseline => "baseline",
        };
        [
            ("OUBLI_BENCH_LOAD", self.scripts.display().to_string()),
            ("OUBLI_BENCH_HOST", calls.address.clone()),
            ("OUBLI_BENCH_TOKEN", calls.token.clone()),
            ("OUBLI_BENCH_FOLDER", calls.folder.display().to_string()),
            ("OUBLI_BENCH_SUBJECTS", calls.subjects.to_string()),
            ("OUBLI_BENCH_TARGET", target.to_owned()),
            ("OUBLI_BENCH_RUN", self.runs.to_string()),
            ("OUBLI_BENCH_CHECK", u8::from(checks).to_string()),
        ]
        .into()
    }
}

impl Summary {
    /// A run counts only when every answer was good, and there was one.
    fn judged(self, calls: &Calls, checked: bool) -> anyhow::Result<Option<Found>> {
        let wrong = self.refused + self.timeouts + self.socket_errors + self.bad;
        if wrong > 0 {
            bail!(
                "{} of {:?} failed: {} answers, {} of status 400 or above, {} not as wanted, {} too \
                 late, {} broken connections{}",
                calls.operation.name(),
                calls.target,
                self.requests,
                self.refused,
                self.bad,
                self.timeouts,
                self.socket_errors,
                if checked || self.bad > 0 { self.shown() } else { String::new() },
            );
        }
        let micros = |latency: f64| Duration::from_secs_f64(latency / 1e6);
        Ok((self.requests > 0).then(|| Found {
            requests: self.requests,
            time: Duration::from_micros(self.micros),
            p50: micros(self.p50),
            p99: micros(self.p99),
        }))
    }

    fn shown(&self) -> String {
        format!("; statuses {}; the first bad answer: {}", self.statuses, self.first_bad)
    }
}

fn is_there() -> bool {
    // Asked for its version, it exits with a status of 1.
    Command::new("wrk").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::{Calls, Found, Summary, Target};
    use crate::operations::Operation;

    fn judged(change: (&str, Value)) -> anyhow::Result<Option<Found>> {
        let mut summary = json!({
            "requests": 1_000, "micros": 2_000_000, "p50": 150.0, "p99": 900.0, "refused": 0,
            "timeouts": 0, "socket_errors": 0, "bad": 0, "statuses": "200: 999, 503: 1",
            "first_bad": "the queue is full",
        });
        summary[change.0] = change.1;
        let calls = Calls {
            target: Target::Service,
            operation: Operation::Check,
            address: String::new(),
            token: String::new(),
            folder: String::new().into(),
            subjects: 1,
        };
        serde_json::from_value::<Summary>(summary).unwrap().judged(&calls, true)
    }

    #[test]
    fn one_answer_that_is_not_good_fails_the_run() {
        assert_eq!(judged(("bad", json!(0))).unwrap().unwrap().requests, 1_000);
        for what in ["refused", "timeouts", "socket_errors", "bad"] {
            let error = judged((what, json!(1))).unwrap_err().to_string();
            assert!(error.contains("200: 999, 503: 1"), "{error}");
            assert!(error.contains("the queue is full"), "{error}");
        }
        assert!(judged(("requests", json!(0))).unwrap().is_none());
    }
}
