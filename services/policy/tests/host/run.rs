//! What hostile items do: the error is typed, and the other items are decided.

use std::time::Duration;

use oubli_policy::{
    Act, Allocation, BadOutput, Batch, Declared, Interface, LoadError, Outcome, Plugin,
    PolicyError, Report, Retention, RunError, SettingsError, Size, Trust, Verdict,
};
use serde_json::json;

use crate::fixtures::{
    Bench, bench, bench_with, codes, component, context, full, hostile_text_with, item, manifest,
    with_manifest,
};

fn retention(plugin: &Plugin, batch: &Batch) -> Report<Verdict<Retention>> {
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    plugin.sweep(&settings, &context).retention(batch)
}

fn error_of<T: std::fmt::Debug>(outcome: &Outcome<T>) -> RunError {
    match outcome {
        Outcome::Failed(error) => *error,
        other => panic!("{other:?}"),
    }
}

fn is_erase(outcome: &Outcome<Verdict<Retention>>) -> bool {
    matches!(outcome, Outcome::Decided(verdict) if verdict.action == Retention::Erase)
}

/// Puts one item of the code among ten, and gives the error that it ended with.
fn fault(bench: &Bench, code: i32) -> RunError {
    let plugin = bench.hostile();
    let report = retention(&plugin, &codes([0, 0, 0, 0, 0, 0, code, 0, 0, 0]));
    for (n, outcome) in report.items.iter().enumerate() {
        assert_eq!(is_erase(outcome), n != 6, "code {code}, item {n}: {outcome:?}");
    }
    // 10 items, then 5, 3 or 2, and 1.
    assert!((3..=5).contains(&report.effort.failed_runs), "{:?}", report.effort);
    error_of(&report.items[6])
}

#[test]
fn an_item_at_fault_is_found_and_the_others_are_decided() {
    let bench = bench();
    let bad = RunError::BadOutput;
    let expected = [
        (11, RunError::Memory { limit: "memory", value: 64 * 1024 * 1024 }),
        (12, RunError::Stack { value: 512 * 1024 }),
        (13, RunError::Trap),
        (14, RunError::Trap),
        (15, RunError::Trap),
        (20, bad(BadOutput::Index)),
        (21, bad(BadOutput::Action)),
        (22, bad(BadOutput::Rule)),
        (24, bad(BadOutput::Until)),
        (25, bad(BadOutput::Message)),
        (26, bad(BadOutput::Message)),
        (30, bad(BadOutput::Malformed)),
        (31, bad(BadOutput::Malformed)),
        (32, bad(BadOutput::Malformed)),
        (34, bad(BadOutput::Columns)),
        (35, RunError::Policy(PolicyError::Unsupported)),
    ];
    for (code, error) in expected {
        assert_eq!(fault(&bench, code), error, "code {code}");
    }
}

#[test]
fn an_item_that_runs_for_ever_is_ended() {
    let time = Duration::from_secs(1);
    let bench = bench_with(|options| options.limits.chunk_time = time);
    assert_eq!(fault(&bench, 10), RunError::Timeout { limit: "chunk_time", value: time });
}

#[test]
fn a_single_item_has_a_time_of_its_own() {
    let time = Duration::from_millis(20);
    let bench = bench_with(|options| options.limits.single_time = time);
    let report = retention(&bench.hostile(), &codes([10]));
    let ended = RunError::Timeout { limit: "single_time", value: time };
    assert_eq!(report.items, [Outcome::Failed(ended)]);
}

#[test]
fn output_beyond_the_limit_is_not_taken() {
    let bench = bench_with(|options| options.limits.output = 256 * 1024);
    assert_eq!(fault(&bench, 33), RunError::OutputLimit { value: 256 * 1024 });
}

#[test]
fn instances_on_demand_are_bounded_alike() {
    let bench = bench_with(|options| options.allocation = Allocation::OnDemand);
    assert!(!bench.host.is_pooled());
    assert_eq!(fault(&bench, 11), RunError::Memory { limit: "memory", value: 64 * 1024 * 1024 });
    assert_eq!(fault(&bench, 13), RunError::Trap);
}

#[test]
fn instances_come_from_a_pool_where_the_kernel_tells_written_pages() {
    let can = wasmtime::PoolingAllocationConfig::is_pagemap_scan_available();
    assert_eq!(bench().host.is_pooled(), can);
}

#[test]
fn a_guard_withholds_by_duty_alone() {
    let bench = bench();
    let plugin = bench.hostile();
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    let mut sweep = plugin.sweep(&settings, &context);
    let report = sweep.guard(Act::Request, &codes([0, 23, 0]));
    let failed: Vec<_> =
        report.items.iter().map(|item| matches!(item, Outcome::Failed(_))).collect();
    assert_eq!(failed, [false, true, false]);
    assert_eq!(error_of(&report.items[1]), RunError::BadOutput(BadOutput::Rule));
    // Where nothing is withheld, a limit may be cited.
    assert!(is_erase(&sweep.retention(&codes([23])).items[0]));
}

#[test]
fn after_too_many_failures_a_policy_is_asked_no_more() {
    let bench = bench();
    let plugin = bench.hostile();
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    let mut sweep = plugin.sweep(&settings, &context);
    let report = sweep.retention(&codes((0..500).map(|n| if n < 10 { 0 } else { 13 })));
    assert!(sweep.is_failing());
    assert_eq!(report.effort.failed_runs, 64);
    assert!(report.items[..10].iter().all(is_erase));
    assert_eq!(error_of(&report.items[10]), RunError::Trap);
    assert_eq!(error_of(&report.items[499]), RunError::Failing);
    assert!(report.items[10..].iter().all(|item| matches!(item, Outcome::Failed(_))));
    let next = sweep.retention(&codes([0, 0]));
    assert_eq!(
        next.items,
        [Outcome::Failed(RunError::Failing), Outcome::Failed(RunError::Failing)]
    );
    assert_eq!(next.effort.runs, 0);
    // Another sweep begins anew.
    assert!(is_erase(&plugin.sweep(&settings, &context).retention(&codes([0])).items[0]));
}

#[test]
fn settings_that_are_refused_while_it_runs_end_the_sweep_at_once() {
    let bench = bench();
    let plugin = bench.hostile();
    let report = retention(&plugin, &codes([0, 0, 36, 0]));
    assert_eq!(report.effort.runs, 1);
    let refused = Outcome::Failed(RunError::Policy(PolicyError::BadSettings));
    assert!(report.items.iter().all(|item| *item == refused));
}

#[test]
fn an_allocator_that_lies_is_bad_output() {
    let bench = bench();
    // The last line of the allocator, which comes first.
    let text = include_str!("hostile.wat").replacen("(local.get $at))\n", "(i32.const -16))\n", 1);
    let plugin = bench.load(&full(&text));
    let refused = plugin.settings(&json!({})).unwrap_err();
    let bad = RunError::BadOutput(BadOutput::Malformed);
    assert_eq!(refused, SettingsError::Run(bad));
}

#[test]
fn every_chunk_meets_a_fresh_instance() {
    let bench = bench();
    // It traps when it is asked a second time.
    let second = "(global $asked (mut i32) (i32.const 0))
        (func $once (if (global.get $asked) (then (unreachable)))
            (global.set $asked (i32.const 1)))";
    let text = hostile_text_with(second);
    let text = text.replace("(local.set $items (i32", "(call $once) (local.set $items (i32");
    let plugin = bench.load(&full(&text));
    let report = retention(&plugin, &codes((0..10_000).map(|_| 0)));
    assert_eq!((report.effort.runs, report.effort.failed_runs), (3, 0));
    assert!(report.items.iter().all(is_erase));
}

#[test]
fn messages_pass_unless_values_were_granted() {
    let bench = bench();
    let plugin = bench.hostile();
    let message = |batch: &Batch| match &retention(&plugin, batch).items[0] {
        Outcome::Decided(verdict) => verdict.message.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(message(&codes([1])).as_deref(), Some("fine"));
    let mut granted = Batch::with_values();
    granted.push(item("profile", 1), []);
    assert_eq!(message(&granted), None);
    // A text that may not be shown is none of a breach where none is shown.
    let mut escape = Batch::with_values();
    escape.push(item("profile", 25), []);
    assert_eq!(message(&escape), None);
}

#[test]
fn an_audit_without_items_still_looks_at_the_data_map() {
    let bench = bench();
    let plugin = bench.hostile();
    let (settings, context) = (plugin.settings(&json!({})).unwrap(), context());
    let mut sweep = plugin.sweep(&settings, &context);
    let report = sweep.audit(&Declared::default(), &Batch::new());
    assert_eq!((report.effort.runs, report.data_map), (1, Ok(Vec::new())));
    let failed = sweep.audit(&Declared::default(), &codes([13]));
    assert_eq!(failed.data_map, Err(RunError::Trap));
}

#[test]
fn an_interface_that_is_not_there_fails_closed() {
    let bench = bench();
    let core = wat::parse_str(include_str!("hostile.wat")).unwrap();
    let file = with_manifest(&component(&core, "guard-policy"), &manifest(&["guard"]));
    let report = retention(&bench.load(&file), &codes([0, 0]));
    let missing = RunError::NotExported(Interface::Retention);
    assert!(report.items.iter().all(|item| *item == Outcome::Failed(missing)));
    assert_eq!(report.items.len(), 2);
}

#[test]
fn a_large_guest_has_more_memory_when_the_operator_lets_it() {
    let bench = bench();
    let grow = "(func $big (drop (memory.grow (i32.const 1600)))
            (i32.store (i32.const 100000000) (i32.const 1)))
        (start $big)";
    let file = full(&hostile_text_with(grow));
    let load = |size| bench.host.load(&file, Trust::Anyone, size);
    assert!(matches!(load(Size::Usual), Err(LoadError::Resources)));
    assert!(load(Size::Large).is_ok());
}
