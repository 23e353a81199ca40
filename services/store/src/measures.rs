//! What write transactions cost, by name: how often each ran, how often again, and for how long.
//! Knows neither engine nor SQL.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is known of the transactions of one name since the database was opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Measure {
    /// How many were asked for, also those that failed.
    pub count: u64,
    /// How often PostgreSQL made one of them run again.
    pub retries: u64,
    /// How long all of them took, in microseconds, from the call until the answer.
    pub total_micros: u64,
    /// How long the longest one took, in microseconds.
    pub max_micros: u64,
}

/// Counts by name. The lock is held for an addition alone, and names are few.
#[derive(Debug, Default)]
pub(crate) struct Measures(Mutex<BTreeMap<&'static str, Measure>>);

impl Measures {
    /// One transaction was answered.
    pub(crate) fn answered(&self, name: &'static str, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(transaction = name, micros, "answered");
        self.change(name, |measure| {
            measure.count += 1;
            measure.total_micros = measure.total_micros.saturating_add(micros);
            measure.max_micros = measure.max_micros.max(micros);
        });
    }

    /// One transaction met another and runs again.
    pub(crate) fn retried(&self, name: &'static str) {
        self.change(name, |measure| measure.retries += 1);
    }

    /// Everything so far.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, Measure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, name: &'static str, change: impl FnOnce(&mut Measure)) {
        // Counters are whole after each step: a panic elsewhere leaves nothing half done.
        let mut measures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(measures.entry(name).or_default());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Measure, Measures};

    #[test]
    fn each_name_has_its_sum_its_maximum_and_its_retries() {
        let measures = Measures::default();
        measures.answered("a", Duration::from_micros(3));
        measures.retried("a");
        measures.answered("a", Duration::from_micros(7));
        measures.answered("b", Duration::from_micros(1));
        let all = measures.all();
        let of_a = Measure { count: 2, retries: 1, total_micros: 10, max_micros: 7 };
        assert_eq!(all.get("a"), Some(&of_a));
        assert_eq!(all.get("b").map(|b| (b.count, b.retries)), Some((1, 0)));
    }
}
