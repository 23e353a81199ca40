//! The harness itself: what it must find out, and what columns it makes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::cell::Cell;
use std::panic::catch_unwind;
use std::path::Path;

use oubli_policy_sdk::testing::{Record, assert_golden, batch, readable};
use oubli_policy_sdk::{
    Audit, Finding, Findings, Plugin, Policy, Problem, RecordView, Retention, Verdict,
};
use serde_json::{Value, json};

/// Erases each second record that it sees, or each: as its settings say.
struct EachSecond {
    seen: Cell<usize>,
    every: usize,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    every: usize,
}

impl Policy for EachSecond {
    type Settings = Settings;
    fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        match settings.every {
            0 => Err(vec![Problem::new("/every", "must be at least 1")]),
            every => Ok(Self { seen: Cell::new(0), every }),
        }
    }
}

impl Retention for EachSecond {
    fn decide(&self, record: RecordView<'_>) -> Verdict<'_> {
        self.seen.set(self.seen.get() + 1);
        if self.seen.get().is_multiple_of(self.every) {
            return Verdict::clear(record.fields().filter(|field| !field.is_empty()), "rule");
        }
        Verdict::none()
    }
}

impl Audit for EachSecond {
    fn audit(&self, record: RecordView<'_>, findings: &mut Findings<'_>) {
        for field in record.fields().filter(|field| field.value() == Some("\"x\"")) {
            findings.report(Finding::low("rule").of([field]).because("it is x"));
        }
    }
}

const PLUGIN: Plugin = Plugin::of::<EachSecond>().retention::<EachSecond>().audit::<EachSecond>();

fn record(fields: &Value) -> Value {
    json!({"category": "a", "created": "2026-01-01", "fields": fields})
}

fn one_field() -> Value {
    record(&json!([{"name": "b", "class": "other"}, {"name": "c", "empty": true}]))
}

fn case(expect: &Value) -> Value {
    json!({"name": "the case", "records": [one_field()], "expect": expect})
}

fn file(every: usize, cases: &Value) -> Value {
    json!({
        "about": "A test.", "interface": "retention",
        "given": {"settings": {"every": every}}, "cases": cases
    })
}

/// What the harness says of golden files; nothing when they hold.
fn failure(files: &[Value], schema: &Value) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("golden")).unwrap();
    write(&folder.path().join("settings.schema.json"), schema);
    for (n, file) in files.iter().enumerate() {
        write(&folder.path().join(format!("golden/{n}.json")), file);
    }
    let path = folder.path().to_owned();
    let panic = catch_unwind(|| assert_golden(&PLUGIN, path)).err()?;
    Some(*panic.downcast::<String>().unwrap())
}

fn write(path: &Path, value: &Value) {
    std::fs::write(path, value.to_string()).unwrap();
}

fn schema() -> Value {
    schemars::schema_for!(Settings).to_value()
}

#[test]
fn what_holds_passes_and_what_does_not_is_shown() {
    let clears = json!([{"action": "clear", "rule": "rule", "fields": ["b"]}]);
    let holds = file(1, &json!([case(&clears)]));
    assert_eq!(failure(std::slice::from_ref(&holds), &schema()), None);
    let wrong = [
        json!([]),
        json!([{"action": "erase", "rule": "rule"}]),
        json!([{"action": "clear", "rule": "other", "fields": ["b"]}]),
        json!([{"action": "clear", "rule": "rule", "fields": ["b", "c"]}]),
        json!([{"action": "clear", "rule": "rule", "fields": ["b"], "until": "2026-01-01"}]),
        json!([{"action": "clear", "rule": "rule", "fields": ["b"], "message": "why"}]),
        json!([{"action": "clear", "rule": "rule", "fields": ["b"], "data-map": true}]),
        json!([{"action": "clear", "rule": "rule", "fields": ["b"], "item": 1}]),
    ];
    for expect in wrong {
        let files = [holds.clone(), file(1, &json!([case(&expect)]))];
        let told = failure(&files, &schema()).unwrap();
        assert!(told.contains("1.json: the case: \n    expected"), "{told}");
        assert!(!told.contains("0.json"), "{told}");
    }
}

#[test]
fn a_policy_that_remembers_is_found_out() {
    let told = failure(&[file(2, &json!([case(&json!([]))]))], &schema()).unwrap();
    assert!(told.contains("judged otherwise in company"), "{told}");
}

#[test]
fn files_that_test_nothing_are_no_success() {
    assert!(failure(&[], &schema()).unwrap().contains("no golden case"));
    assert!(failure(&[file(1, &json!([]))], &schema()).unwrap().contains("no case"));
    let refused = failure(&[file(0, &json!([case(&json!([]))]))], &schema()).unwrap();
    assert!(refused.contains("the settings are refused"), "{refused}");
    let guard = json!({"about": "", "interface": "guard", "given": {"settings": {"every": 1}},
        "cases": [{"name": "x"}]});
    assert!(failure(&[guard], &schema()).unwrap().contains("the plugin has no Guard"));
    let misspelt = json!({"about": "", "interface": "retention", "case": []});
    assert!(failure(&[misspelt], &schema()).unwrap().contains("unknown field"));
}

#[test]
fn refused_settings_are_compared_by_place() {
    let settings = |settings: &Value, problems: &Value| {
        let case = json!({"name": "s", "given": {"settings": settings}, "problems": problems});
        json!({"about": "", "interface": "settings", "cases": [case]})
    };
    let none = json!({"every": 0});
    assert_eq!(failure(&[settings(&none, &json!(["/every"]))], &schema()), None);
    assert_eq!(failure(&[settings(&json!({"every": "x"}), &json!(["/every"]))], &schema()), None);
    for wrong in [json!([]), json!(["/other"]), json!(["/every", "/every"])] {
        assert!(failure(&[settings(&none, &wrong)], &schema()).is_some(), "{wrong}");
    }
}

#[test]
fn a_schema_that_is_not_the_type_s_is_found_out() {
    let holds =
        [file(1, &json!([case(&json!([{"action": "clear", "rule": "rule", "fields": ["b"]}]))]))];
    let told = failure(&holds, &json!({"type": "object"})).unwrap();
    assert!(told.contains("settings.schema.json"), "{told}");
}

#[test]
fn columns_are_those_of_the_contract() {
    let value = json!([
        record(&json!([{"name": "a", "class": "other", "value": "x"}, {"name": "b", "empty": true}])),
        {"category": "b", "created": "1969-12-31", "last-contact": "1970-01-02",
         "closed": "1970-01-03", "clock-start": "1970-01-04",
         "flags": ["held", "restricted", "objected", "no-basis"]}
    ]);
    let records: Vec<Record> = serde_json::from_value(value).unwrap();
    let columns = batch(&records, true);
    assert_eq!(columns.strings, ["a", "other", "\"x\"", "b"]);
    assert_eq!(
        (columns.category.as_slice(), columns.flags.as_slice()),
        (&[0, 3][..], &[0, 15][..])
    );
    assert_eq!(columns.created, [20_454, -1]);
    assert_eq!(columns.last_contact, [i32::MIN, 1]);
    assert_eq!((columns.closed[1], columns.clock_start[1]), (2, 3));
    assert_eq!(columns.field_start, [0, 2, 2]);
    assert_eq!(
        (columns.field_name.as_slice(), columns.field_class.as_slice()),
        (&[0, 3][..], &[1, u32::MAX][..])
    );
    assert_eq!(
        (columns.field_flags.as_slice(), columns.field_value.as_slice()),
        (&[1, 2][..], &[2, u32::MAX][..])
    );
    assert!(batch(&records, false).field_value.is_empty());
}

#[test]
fn verdict_columns_that_break_the_contract_are_no_verdicts() {
    let records: Vec<Record> = serde_json::from_value(json!([one_field()])).unwrap();
    let columns = batch(&records, false);
    let good = oubli_policy_sdk::Verdicts {
        index: vec![0],
        action: vec![3],
        rule: vec![0],
        until: vec![i32::MIN],
        field_start: vec![0, 1],
        fields: vec![0],
        message: vec![u32::MAX],
        strings: vec!["rule".to_owned()],
    };
    assert_eq!(readable(&good, &columns).unwrap()[0].fields, ["b"]);
    let broken: [fn(&mut oubli_policy_sdk::Verdicts); 6] = [
        |verdicts| verdicts.index[0] = 1,
        |verdicts| verdicts.action[0] = 9,
        |verdicts| verdicts.rule[0] = 1,
        |verdicts| verdicts.until.clear(),
        |verdicts| verdicts.fields[0] = 2,
        |verdicts| verdicts.message[0] = 1,
    ];
    for breach in broken {
        let mut verdicts = good.clone();
        breach(&mut verdicts);
        assert!(readable(&verdicts, &columns).is_err());
    }
}
