//! A well-behaved guest in Rust, built for `wasm32-unknown-unknown` here.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use oubli_domain::Day;
use oubli_domain::data_map::Classification;
use oubli_policy::{
    Act, Allocation, Batch, Declared, Field, Item, Outcome, Plugin, PurposeConsents, Retention,
    RunError, Severity, Sweep, Verdict,
};
use serde_json::json;

use crate::fixtures::{Bench, TODAY, bench, bench_with, context, encode, item, with_manifest};

const TARGET: &str = "wasm32-unknown-unknown";

fn guest() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let manifest = json!({
            "manifest": 1, "name": "well-behaved", "version": "1.0.0", "author": "Tests",
            "licence": "MIT", "interfaces": ["retention", "guard", "audit"],
            "rules": [
                {"code": "phones", "title": "Phone numbers", "kind": "limit"},
                {"code": "undeclared", "title": "Undeclared", "kind": "limit"}
            ],
            "rules-from-settings": "/rules",
            "settings-schema": {"type": "object"}
        });
        with_manifest(&encode(&build()), &manifest)
    })
}

fn build() -> Vec<u8> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/host/guest/Cargo.toml");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
    let status = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--release", "--target", TARGET])
        .arg("--manifest-path")
        .arg(&source)
        .arg("--target-dir")
        .arg(&target)
        .status()
        .unwrap();
    assert!(status.success(), "is the target there? rustup target add {TARGET}");
    std::fs::read(target.join(TARGET).join("release/fixture_guest.wasm")).unwrap()
}

fn with_sweep<T>(bench: &Bench, test: impl FnOnce(&mut Sweep<'_>) -> T) -> T {
    let plugin: Plugin = bench.load(guest());
    let rule = json!({"code": "invoices", "title": "Invoices", "kind": "must-keep", "years": 10});
    let settings = plugin.settings(&json!({"days": 3650, "rules": [rule]})).unwrap();
    test(&mut plugin.sweep(&settings, &context()))
}

fn field(name: &str) -> Field<'_> {
    Field { name, classification: Some(Classification::Other), empty: false, value: None }
}

fn invoice(start: Option<Day>) -> Item<'static> {
    Item { clock_start: start, ..item("invoice", 100) }
}

/// Invoices that are due, young and open; profiles with, without and with an empty phone; another.
fn shop() -> Batch {
    let mut batch = Batch::new();
    batch.push(invoice(Some(Day(TODAY.0 - 3651))), [field("amount")]);
    batch.push(invoice(Some(Day(TODAY.0 - 3650))), [field("note"), field("amount")]);
    batch.push(invoice(None), []);
    batch.push(item("profile", 7), [field("name"), field("phone")]);
    batch.push(item("profile", 8), [field("name")]);
    batch.push(item("profile", 9), [Field { empty: true, ..field("phone") }]);
    batch.push(item("other", 10), []);
    batch
}

#[test]
fn retention_gives_what_the_guest_says_of_each_item() {
    let report = with_sweep(&bench(), |sweep| sweep.retention(&shop()));
    let actions: Vec<_> = report
        .items
        .iter()
        .map(|outcome| match outcome {
            Outcome::Decided(verdict) => Some(verdict.action.clone()),
            Outcome::Silent => None,
            Outcome::Failed(error) => panic!("{error}"),
        })
        .collect();
    let clear = Retention::Clear { fields: vec!["phone".into()] };
    let expected = [
        Some(Retention::Erase),
        Some(Retention::Keep { until: TODAY }),
        None,
        Some(clear),
        None,
        None,
        Some(Retention::Review),
    ];
    assert_eq!(actions, expected);
    let Outcome::Decided(review) = &report.items[6] else { panic!() };
    assert_eq!(review.message.as_deref(), Some("no rule for this category"));
    let Outcome::Decided(erase) = &report.items[0] else { panic!() };
    assert_eq!((erase.rule.title.as_str(), erase.rule.code.as_str()), ("Invoices", "invoices"));
}

#[test]
fn where_batches_are_cut_makes_no_difference() {
    let whole = with_sweep(&bench(), |sweep| sweep.retention(&shop()));
    let small = bench_with(|options| options.limits.chunk_items = 2);
    let cut = with_sweep(&small, |sweep| sweep.retention(&shop()));
    assert_eq!(cut.items, whole.items);
    assert_eq!((whole.effort.runs, cut.effort.runs), (1, 4));
    let on_demand = bench_with(|options| options.allocation = Allocation::OnDemand);
    assert_eq!(with_sweep(&on_demand, |sweep| sweep.retention(&shop())).items, whole.items);
}

#[test]
fn a_guard_withholds_fields_until_a_day() {
    let told = |act| with_sweep(&bench(), |sweep| sweep.guard(act, &shop()));
    let report = told(Act::Request);
    let Outcome::Decided(withheld) = &report.items[1] else { panic!() };
    assert_eq!(withheld.action.until, Some(TODAY));
    assert_eq!(withheld.action.fields, ["amount".into()]);
    let others = report.items.iter().enumerate().filter(|(n, _)| *n != 1);
    assert!(others.map(|(_, outcome)| outcome).all(|outcome| *outcome == Outcome::Silent));
    let Outcome::Decided(open) = &told(Act::Delete).items[1] else { panic!() };
    assert_eq!(open.action.until, None);
}

#[test]
fn an_audit_finds_in_items_and_once_in_the_data_map() {
    let mut batch = Batch::new();
    let undeclared = |name| Field { classification: None, ..field(name) };
    batch.push(item("profile", 1), [field("name"), undeclared("x"), undeclared("y")]);
    batch.push(item("profile", 2), [field("name")]);
    let purpose = |name: &str, older_notice| PurposeConsents {
        name: name.to_owned(),
        live: 5,
        older_notice,
        oldest_grant: Some(Day(3)),
    };
    let declared = Declared {
        data_map: "{}".to_owned(),
        purposes: vec![purpose("newsletter", 2), purpose("orders", 0)],
    };
    let small = bench_with(|options| options.limits.chunk_items = 1);
    let report = with_sweep(&small, |sweep| sweep.audit(&declared, &batch));
    assert_eq!(report.effort.runs, 2);
    let Outcome::Decided(found) = &report.items[0] else { panic!() };
    let named: Vec<_> = found.iter().flat_map(|f| f.action.fields.iter()).collect();
    assert_eq!(named, [&"x".into(), &"y".into()]);
    assert!(found.iter().all(|finding| finding.action.severity == Severity::High));
    assert_eq!(report.items[1], Outcome::Silent);
    let of_map = report.data_map.unwrap();
    let messages: Vec<_> = of_map.iter().map(|finding| finding.message.as_deref()).collect();
    assert_eq!(messages, [Some("newsletter has old consents")]);
}

#[test]
fn values_go_in_only_when_granted_and_no_text_comes_out() {
    let with_values = |mut batch: Batch| {
        let mail = |name, value| Field { value: Some(value), ..field(name) };
        let fields = [mail("a", r#""ada@example.org""#), mail("b", r#""bob@example.org""#)];
        batch.push(item("profile", 1), fields);
        with_sweep(&bench(), |sweep| sweep.audit(&Declared::default(), &batch))
    };
    let Outcome::Decided(found) = &with_values(Batch::with_values()).items[0] else { panic!() };
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].message.clone(), found[0].rule.title.as_str()), (None, "Undeclared"));
    assert_eq!(with_values(Batch::new()).items, [Outcome::Silent]);
}

#[test]
fn a_metered_run_costs_the_same_each_time() {
    let metered = bench_with(|options| options.metered = true);
    let cost = || with_sweep(&metered, |sweep| sweep.retention(&shop()).effort.fuel);
    let (first, second) = (cost(), cost());
    assert!(first > 0);
    assert_eq!(first, second);
    assert_eq!(with_sweep(&bench(), |sweep| sweep.retention(&shop()).effort.fuel), 0);
}

#[test]
fn much_text_is_cut_into_more_chunks() {
    let value = format!("\"{}\"", "x".repeat(100_000));
    let mut batch = Batch::with_values();
    for n in 0..10 {
        let value = format!("{value}{n}");
        batch.push(item("other", n), [Field { value: Some(&value), ..field("text") }]);
    }
    let small = bench_with(|options| options.limits.chunk_text = 250_000);
    let report = with_sweep(&small, |sweep| sweep.retention(&batch));
    assert_eq!((report.effort.runs, report.effort.failed_runs), (5, 0));
}

#[test]
fn the_guest_checks_its_settings() {
    let bench = bench();
    let plugin = bench.load(guest());
    let refused = plugin.settings(&json!({"days": "many", "rules": []})).unwrap_err();
    let oubli_policy::SettingsError::Refused(problems) = refused else { panic!() };
    assert_eq!(problems[0].path, "/days");
    let rules = plugin.settings(&json!({"days": 1})).unwrap_err();
    assert!(matches!(rules, oubli_policy::SettingsError::Rules(_)));
    // A rule that the settings do not have cannot be cited.
    let settings = plugin.settings(&json!({"days": 1, "rules": []})).unwrap();
    let report = plugin.sweep(&settings, &context()).retention(&shop());
    let bad: Outcome<Verdict<Retention>> =
        Outcome::Failed(RunError::BadOutput(oubli_policy::BadOutput::Rule));
    assert_eq!(report.items[0], bad);
    assert!(matches!(report.items[6], Outcome::Decided(_)));
}
