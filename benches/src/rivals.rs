//! Service and baseline over one store, side by side: each round of an operation measures both, one
//! after the other and each time in the other order, so that what else the machine does meets both,
//! and what the first of them leaves behind as well.

use std::time::Duration;

use anyhow::Context as _;

use crate::engine::Site;
use crate::load::{Calls, Found, Target, Wrk};
use crate::operations::Operation;
use crate::process::{Process, Usage};
use crate::results::{Figures, Measured, mebibytes, micros};
use crate::say;
use crate::service::{Credentials, Service, start_baseline};

/// How long operations are measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    /// Seconds of each.
    pub(crate) seconds: u64,
    /// How many.
    pub(crate) count: u32,
}

/// The two servers.
#[derive(Debug)]
pub(crate) struct Rivals<'a> {
    site: &'a Site,
    client: &'a Credentials,
    /// The service.
    pub(crate) service: Service,
    baseline: (Process, String),
    subjects: u32,
}

impl<'a> Rivals<'a> {
    /// Puts a baseline beside a running service over a store of `subjects` people.
    pub(crate) fn new(
        site: &'a Site,
        client: &'a Credentials,
        service: Service,
        subjects: u32,
    ) -> anyhow::Result<Self> {
        Ok(Self { site, client, service, baseline: start_baseline(site)?, subjects })
    }

    /// Measures operations, each in rounds.
    ///
    /// # Errors
    /// When any answer was not as it should be.
    pub(crate) async fn measure(
        &self,
        operations: &[Operation],
        rounds: Rounds,
        wrk: &mut Wrk,
    ) -> anyhow::Result<Vec<Measured>> {
        let mut all = Vec::with_capacity(operations.len());
        for operation in operations {
            let measured = self.measure_one(*operation, rounds, wrk).await?;
            tell(&measured);
            all.push(measured);
        }
        Ok(all)
    }

    async fn measure_one(
        &self,
        operation: Operation,
        rounds: Rounds,
        wrk: &mut Wrk,
    ) -> anyhow::Result<Measured> {
        let baseline = operation.has_baseline().then_some(Target::Baseline);
        let mut targets: Vec<Target> = [Target::Service].into_iter().chain(baseline).collect();
        for target in &targets {
            wrk.check(&self.calls(operation, *target).await?)?;
        }
        let (mut service, mut baseline) = (Vec::new(), Vec::new());
        for _ in 0..rounds.count {
            for target in &targets {
                let calls = self.calls(operation, *target).await?;
                let figures = self.round(&calls, rounds, wrk)?;
                match target {
                    Target::Service => service.push(figures),
                    Target::Baseline => baseline.push(figures),
                }
            }
            targets.reverse();
        }
        Measured::of(operation, service, baseline).context("no round was measured")
    }

    fn round(&self, calls: &Calls, rounds: Rounds, wrk: &mut Wrk) -> anyhow::Result<Figures> {
        let process = match calls.target {
            Target::Service => &self.service.process,
            Target::Baseline => &self.baseline.0,
        };
        let before = process.usage()?;
        let found = wrk.measure(calls, Duration::from_secs(rounds.seconds))?;
        Ok(figures(&found, before, process.usage()?))
    }

    async fn calls(&self, operation: Operation, target: Target) -> anyhow::Result<Calls> {
        let address = match target {
            Target::Service => self.service.address.clone(),
            Target::Baseline => self.baseline.1.clone(),
        };
        // A token lives for 15 minutes, and a whole run may take longer. Who asks for one has none.
        let token = match (target, operation) {
            (Target::Baseline, _) | (_, Operation::Token) => String::new(),
            _ => self.service.token(self.client).await?,
        };
        let folder = self.site.folder().to_path_buf();
        Ok(Calls { target, operation, address, token, folder, subjects: self.subjects })
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of calls is far below 2^52")]
fn figures(found: &Found, before: Usage, after: Usage) -> Figures {
    let calls = found.requests as f64;
    Figures {
        calls_per_second: calls / found.time.as_secs_f64(),
        p50_micros: micros(found.p50),
        p99_micros: micros(found.p99),
        cpu_micros: micros(after.cpu.saturating_sub(before.cpu)) / calls,
        resident_mib: mebibytes(after.resident),
    }
}

fn tell(measured: &Measured) {
    let Measured { operation, service, baseline, ratio } = measured;
    let of = |who: &str, f: &Figures| {
        say(&format!(
            "{:<12}{who:<9}{:>8.0}/s  p50 {:>6.0} µs  p99 {:>7.0} µs  CPU {:>5.0} µs  {:>4.0} MiB",
            operation.name(),
            f.calls_per_second,
            f.p50_micros,
            f.p99_micros,
            f.cpu_micros,
            f.resident_mib,
        ));
    };
    of("service", service);
    if let (Some(baseline), Some(ratio)) = (baseline, ratio) {
        of("baseline", baseline);
        say(&format!("{:<12}{ratio:.2} of the baseline", operation.name()));
    }
}
