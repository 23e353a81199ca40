//! What a run found, as it is kept in `results/` and told in `README.md`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::machine::Machine;
use crate::operations::Operation;

/// All that a run found.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Results {
    /// The commit that was measured, with `-dirty` when there was more.
    pub(crate) commit: String,
    /// The day, in UTC.
    pub(crate) date: String,
    /// On what.
    pub(crate) machine: Machine,
    /// How many clients asked at the same time.
    pub(crate) clients: u32,
    /// Seconds of each round.
    pub(crate) seconds: u64,
    /// Rounds.
    pub(crate) rounds: u32,
    /// By engine.
    pub(crate) engines: Vec<OfEngine>,
}

/// What was found on one engine.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct OfEngine {
    pub(crate) engine: Engine,
    /// The engine's version.
    pub(crate) version: String,
    /// The import that filled the store in which operations were measured.
    pub(crate) import: Import,
    pub(crate) operations: Vec<Measured>,
    /// The rest; only a whole run has it.
    pub(crate) whole: Option<Whole>,
}

/// What only a whole run measures.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Whole {
    /// The same at growing numbers of people.
    pub(crate) growth: Vec<Grown>,
    pub(crate) app_export: AppExport,
    pub(crate) subject_export: SubjectExport,
    pub(crate) erasures: Erasures,
}

/// One operation under load.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct Measured {
    pub(crate) operation: Operation,
    pub(crate) service: Figures,
    pub(crate) baseline: Option<Figures>,
    /// The service's calls a second over the baseline's: the median of the rounds.
    pub(crate) ratio: Option<f64>,
}

/// What one server did: the round of median speed.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(crate) struct Figures {
    pub(crate) calls_per_second: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
    /// CPU time of the server's process for each call, without that of PostgreSQL.
    pub(crate) cpu_micros: f64,
    /// Its resident memory at the end.
    pub(crate) resident_mib: f64,
}

/// An import by `oubli import`.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(crate) struct Import {
    pub(crate) subjects: u32,
    pub(crate) records: u32,
    pub(crate) seconds: f64,
    pub(crate) peak_mib: f64,
}

/// A store of some size.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Grown {
    pub(crate) subjects: u32,
    /// From the start of the process until it is ready: the median of several starts.
    pub(crate) ready_millis: f64,
    /// Resident memory some seconds after the start.
    pub(crate) idle_mib: f64,
    pub(crate) operations: Vec<Measured>,
    pub(crate) app_export: AppExport,
}

/// An export by `oubli export`.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(crate) struct AppExport {
    pub(crate) records: u32,
    pub(crate) seconds: f64,
    pub(crate) peak_mib: f64,
}

/// An access request of one person with many records.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(crate) struct SubjectExport {
    pub(crate) records: u32,
    /// From the request until it is completed.
    pub(crate) seconds: f64,
    /// The download.
    pub(crate) bytes: u64,
    /// The service's resident memory before, and its peak until the download ended.
    pub(crate) before_mib: f64,
    pub(crate) peak_mib: f64,
}

/// Erasures of many people.
#[derive(Clone, Copy, Serialize, Deserialize, Debug)]
pub(crate) struct Erasures {
    pub(crate) subjects: u32,
    /// From the first request until the last is completed.
    pub(crate) seconds: f64,
}

impl Measured {
    /// Of the rounds of service and baseline, which took turns; none without a round.
    pub(crate) fn of(
        operation: Operation,
        service: Vec<Figures>,
        baseline: Vec<Figures>,
    ) -> Option<Self> {
        let ratios = service.iter().zip(&baseline);
        let ratios = ratios.map(|(s, b)| s.calls_per_second / b.calls_per_second).collect();
        let speed = |round: &Figures| round.calls_per_second;
        Some(Self {
            operation,
            service: middle(service, speed)?,
            baseline: middle(baseline, speed),
            ratio: middle(ratios, |ratio| *ratio),
        })
    }

    /// Items a second: a call of a batch has many.
    pub(crate) fn items_per_second(&self) -> f64 {
        self.service.calls_per_second * f64::from(self.operation.items())
    }
}

impl Import {
    pub(crate) fn records_per_second(&self) -> f64 {
        f64::from(self.records) / self.seconds
    }
}

impl Erasures {
    pub(crate) fn per_second(&self) -> f64 {
        f64::from(self.subjects) / self.seconds
    }
}

/// The median by `key`: of an even number the lower one.
pub(crate) fn middle<T: Copy>(mut values: Vec<T>, key: impl Fn(&T) -> f64) -> Option<T> {
    values.sort_by(|a, b| key(a).total_cmp(&key(b)));
    values.get(values.len().saturating_sub(1) / 2).copied()
}

/// Bytes in mebibytes.
#[expect(clippy::cast_precision_loss, reason = "it is rounded to a few digits")]
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// A duration in microseconds.
pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Figures, Measured, middle};
    use crate::operations::Operation;

    #[test]
    fn the_ratio_is_of_rounds_that_stand_side_by_side() {
        let figures = |calls_per_second| Figures {
            calls_per_second,
            p50_micros: 1.0,
            p99_micros: 2.0,
            cpu_micros: 3.0,
            resident_mib: 4.0,
        };
        // The machine was slow in the second round: both suffered alike.
        let service = [60.0, 6.0, 66.0].map(figures).to_vec();
        let baseline = [100.0, 10.0, 120.0].map(figures).to_vec();
        let measured = Measured::of(Operation::Check, service.clone(), baseline).unwrap();
        assert_eq!(measured.ratio, Some(0.6));
        assert!((measured.service.calls_per_second - 60.0).abs() < f64::EPSILON);
        assert_eq!(Measured::of(Operation::Token, service, vec![]).unwrap().ratio, None);
        assert!(Measured::of(Operation::Token, vec![], vec![]).is_none());
    }

    #[test]
    fn of_an_even_number_the_lower_middle_counts() {
        assert_eq!(middle(vec![4, 1, 3, 2], |n| f64::from(*n)), Some(2));
        assert_eq!(middle(Vec::<i32>::new(), |n| f64::from(*n)), None);
    }
}
