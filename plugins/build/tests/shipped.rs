//! The policies that ship, built as they are for production and held against their golden cases in the
//! host: what they say as components is what they say natively. Without the harness of tests, since this
//! program is its own compiler of plugins, and that speaks on standard output.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oubli_domain::data_map::Classification;
use oubli_domain::{AppId, Day};
use oubli_policy::{
    Act, Allocation, Batch, Compiler, Context, Declared, Field, Host, HostOptions, Item, ItemFlags,
    Limits, Outcome, Plugin, PurposeConsents, Retention, Settings, Severity, Size, Trust, Verdict,
    compile_child_main,
};
use oubli_policy_build::{BuildError, Options, build, component};
use oubli_policy_sdk::testing::{Action, Case, File, Flag, Interface, Record, Said, Surroundings};
use serde_json::json;

/// What makes this program the child.
const CHILD: &str = "compile-plugin";

const SHIPPED: [&str; 4] = ["legal-hold", "minimisation-audit", "pii-audit", "retention-schedule"];

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        return compile_child_main();
    }
    code_that_imports_is_refused();
    let directory = tempfile::tempdir().unwrap();
    let host = host(&directory.path().join("code"));
    for name in SHIPPED {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policies");

        let options = Options { target_dir: Some(&target), locked: true };
        let built = build(&folder, &options).unwrap();
        let plugin = host.load(&built.file, Trust::Anyone, Size::Usual).unwrap();
        let cases = golden_cases_hold(&plugin, &folder.join("golden"));
        assert!(cases > 10, "{name} has few cases");
    }
    ExitCode::SUCCESS
}

fn code_that_imports_is_refused() {
    let module = |text: &str| component(&wat::parse_str(text).unwrap());
    let wasi = r#"(module (import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32))))"#;
    match module(wasi) {
        Err(BuildError::Imports(names)) => {
            assert_eq!(names, ["wasi_snapshot_preview1.clock_time_get"]);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(component(b"no module"), Err(BuildError::Component(_))));
}

fn host(cache: &Path) -> Host {
    Host::new(HostOptions {
        // A machine that has much else to do must not end a sound plugin.
        limits: Limits { chunk_time: std::time::Duration::from_secs(30), ..Limits::default() },
        compiler: Compiler::this_program([CHILD.into()]).unwrap(),
        cache: cache.to_owned(),
        cache_key: [7; 32].into(),
        allocation: Allocation::Auto,
        metered: false,
    })
    .unwrap()
}

fn golden_cases_hold(plugin: &Plugin, folder: &Path) -> usize {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = 0;
    for path in files {
        let file: File = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for case in &file.cases {
            let place = format!("{}: {}", path.display(), case.name);
            case_holds(plugin, &file, case, &place);
            cases += 1;
        }
    }
    cases
}

fn case_holds(plugin: &Plugin, file: &File, case: &Case, place: &str) {
    let given = case.given.clone().over(&file.given);
    let settings = plugin.settings(&given.settings.clone().unwrap_or_else(|| json!({})));
    if file.interface == Interface::Settings {
        // The schema names some places before the policy is asked.
        assert_eq!(settings.is_ok(), case.problems.is_empty(), "{place}: {settings:?}");
        return;
    }
    let answer = ask(plugin, &settings.unwrap(), file, &given, &case.records);
    let expected: Vec<_> = case.expect.iter().map(without_message).collect();
    assert_eq!(answer, expected, "{place}");
}

/// Where values were granted, and where a case does not give it, there is nothing to compare.
fn without_message(said: &Said) -> Said {
    Said { message: None, ..said.clone() }
}

fn ask(
    plugin: &Plugin,
    settings: &Settings,
    file: &File,
    given: &Surroundings,
    records: &[Record],
) -> Vec<Said> {
    let context = context(given);
    let mut sweep = plugin.sweep(settings, &context);
    let batch = batch(records, file.values);
    match file.interface {
        Interface::Retention => each(sweep.retention(&batch).items, |verdict| vec![kept(&verdict)]),
        Interface::Guard => {
            let act = match given.act.as_deref() {
                None | Some("request") => Act::Request,
                Some("retention") => Act::Retention,
                _ => Act::Delete,
            };
            each(sweep.guard(act, &batch).items, |verdict| {
                let until = verdict.action.until;
                vec![said(&verdict, Action::Withhold, until, &verdict.action.fields)]
            })
        }
        Interface::Audit => {
            let report = sweep.audit(&declared(given), &batch);
            let mut came = each(report.items, |found| found.iter().map(found_said).collect());
            let of_map = report.data_map.unwrap();
            came.extend(of_map.iter().map(|found| Said { data_map: true, ..found_said(found) }));
            came
        }
        Interface::Settings => Vec::new(),
    }
}

fn each<T>(items: Vec<Outcome<T>>, said: impl Fn(T) -> Vec<Said>) -> Vec<Said> {
    let mut all = Vec::new();
    for (item, outcome) in items.into_iter().enumerate() {
        match outcome {
            Outcome::Silent => {}
            Outcome::Decided(decided) => {
                all.extend(said(decided).into_iter().map(|said| Said { item, ..said }));
            }
            Outcome::Failed(error) => panic!("{error}"),
        }
    }
    all
}

fn kept(verdict: &Verdict<Retention>) -> Said {
    match &verdict.action {
        Retention::Keep { until } => said(verdict, Action::Keep, Some(*until), &[]),
        Retention::Review => said(verdict, Action::Review, None, &[]),
        Retention::Clear { fields } => said(verdict, Action::Clear, None, fields),
        Retention::Erase => said(verdict, Action::Erase, None, &[]),
    }
}

fn found_said(found: &Verdict<oubli_policy::Finding>) -> Said {
    let action = match found.action.severity {
        Severity::Low => Action::Low,
        Severity::Medium => Action::Medium,
        Severity::High => Action::High,
    };
    said(found, action, None, &found.action.fields)
}

fn said<A>(
    verdict: &Verdict<A>,
    action: Action,
    until: Option<Day>,
    fields: &[std::sync::Arc<str>],
) -> Said {
    Said {
        action,
        rule: verdict.rule.code.clone(),
        until: until.map(|day| oubli_policy_sdk::Day(day.0)),
        fields: fields.iter().map(ToString::to_string).collect(),
        item: 0,
        data_map: false,
        message: None,
    }
}

fn context(given: &Surroundings) -> Context {
    Context {
        today: Day(given.today().0),
        app: AppId::new("shop").unwrap(),
        jurisdiction: given.jurisdiction.clone().unwrap_or_default(),
        data_map: [0; 32],
    }
}

fn declared(given: &Surroundings) -> Declared {
    let consents = given.consents.iter().flatten();
    Declared {
        data_map: given.data_map.clone().unwrap_or_else(|| json!({})).to_string(),
        purposes: consents
            .map(|of| PurposeConsents {
                name: of.purpose.clone(),
                live: of.live,
                older_notice: of.older_notice,
                oldest_grant: of.oldest.map(|day| Day(day.0)),
            })
            .collect(),
    }
}

fn batch(records: &[Record], with_values: bool) -> Batch {
    let mut batch = if with_values { Batch::with_values() } else { Batch::new() };
    let day = |day: Option<oubli_policy_sdk::Day>| day.map(|day| Day(day.0));
    for record in records {
        let has = |flag| record.flags.contains(&flag);
        let item = Item {
            category: &record.category,
            created: Day(record.created.0),
            last_contact: day(record.last_contact),
            closed: day(record.closed),
            clock_start: day(record.clock_start),
            flags: ItemFlags {
                held: has(Flag::Held),
                restricted: has(Flag::Restricted),
                objected: has(Flag::Objected),
                no_basis: has(Flag::NoBasis),
            },
        };
        let values: Vec<_> = record
            .fields
            .iter()
            .map(|field| field.value.as_ref().map(ToString::to_string))
            .collect();
        let fields = record.fields.iter().zip(&values).map(|(field, value)| Field {
            name: &field.name,
            classification: field.class.as_deref().map(classification),
            empty: field.empty,
            value: value.as_deref(),
        });
        batch.push(item, fields);
    }
    batch
}

fn classification(word: &str) -> Classification {
    *Classification::ALL.iter().find(|class| class.as_str() == word).unwrap()
}
