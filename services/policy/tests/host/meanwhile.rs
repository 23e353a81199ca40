//! Runs beside each other.

use std::thread;
use std::time::Duration;

use oubli_policy::{Outcome, RunError};
use serde_json::json;

use crate::fixtures::{bench_with, codes, context};

#[test]
fn other_runs_go_on_while_one_hangs() {
    let time = Duration::from_secs(5);
    let bench = bench_with(|options| options.limits.single_time = time);
    let plugin = bench.hostile();
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    thread::scope(|scope| {
        let hanging = scope.spawn(|| plugin.sweep(&settings, &context).retention(&codes([10])));
        for _ in 0..20 {
            let report = plugin.sweep(&settings, &context).retention(&codes([0, 0]));
            assert!(report.items.iter().all(|item| matches!(item, Outcome::Decided(_))));
        }
        assert!(!hanging.is_finished(), "the one that hangs was over before the others");
        let ended = RunError::Timeout { limit: "single_time", value: time };
        assert_eq!(hanging.join().unwrap().items, [Outcome::Failed(ended)]);
    });
}

#[test]
fn runs_beyond_the_places_wait_for_one() {
    let bench = bench_with(|options| options.limits.instances = 1);
    let plugin = bench.hostile();
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    thread::scope(|scope| {
        let sweep = || plugin.sweep(&settings, &context).retention(&codes([0, 13, 0]));
        let runs: Vec<_> = (0..8).map(|_| scope.spawn(sweep)).collect();
        for run in runs {
            let items = run.join().unwrap().items;
            assert!(matches!(items[0], Outcome::Decided(_)));
            assert_eq!(items[1], Outcome::Failed(RunError::Trap));
            assert!(matches!(items[2], Outcome::Decided(_)));
        }
    });
}
