//! Runs the cases of a file.

use std::collections::BTreeMap;

use super::batch::{Record, batch};
use super::cases::{Case, File, Interface, Surroundings};
use super::readable::{Said, readable};
use crate::Plugin;

/// What failed, in words.
pub(super) fn run(plugin: &Plugin, file: &File) -> Vec<String> {
    let mut failures = Vec::new();
    if file.cases.is_empty() {
        failures.push("no case".to_owned());
    }
    for case in &file.cases {
        if let Err(failure) = run_case(plugin, file, case) {
            failures.push(format!("{}: {failure}", case.name));
        }
    }
    if file.interface != Interface::Settings {
        failures.extend(mixed(plugin, file).err());
    }
    failures
}

fn run_case(plugin: &Plugin, file: &File, case: &Case) -> Result<(), String> {
    let given = case.given.clone().over(&file.given);
    let valid = (plugin.validate)(&given.settings());
    if file.interface == Interface::Settings {
        return compare_problems(case, valid);
    }
    valid.map_err(|problems| format!("the settings are refused: {problems:?}"))?;
    let answer = ask(plugin, file, &given, &case.records)?;
    let same = answer.len() == case.expect.len()
        && answer.iter().zip(&case.expect).all(|(said, expected)| said.is(expected));
    if same { Ok(()) } else { Err(differ(&case.expect, &answer)) }
}

fn compare_problems(case: &Case, valid: Result<(), Vec<crate::Problem>>) -> Result<(), String> {
    let problems = valid.err().unwrap_or_default();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.clone()).collect();
    if paths == case.problems && problems.iter().all(|problem| !problem.message.is_empty()) {
        Ok(())
    } else {
        Err(format!("expected problems at {:?}, came {problems:?}", case.problems))
    }
}

fn ask(
    plugin: &Plugin,
    file: &File,
    given: &Surroundings,
    records: &[Record],
) -> Result<Vec<Said>, String> {
    let (settings, context) = (given.settings(), given.context());
    let batch = batch(records, file.values);
    let absent = || format!("the plugin has no {:?}", file.interface);
    let verdicts = match file.interface {
        Interface::Retention => plugin.retention.ok_or_else(absent)?(&settings, &context, &batch),
        Interface::Guard => {
            plugin.guard.ok_or_else(absent)?(&settings, &context, given.act()?, &batch)
        }
        Interface::Audit => {
            plugin.audit.ok_or_else(absent)?(&settings, &context, given.declared(), &batch)
        }
        Interface::Settings => return Err("settings have no batch".to_owned()),
    };
    readable(&verdicts.map_err(|error| format!("{error:?}"))?, &batch)
}

/// Order, company and repetition of records must make no difference: all records that have the same
/// surroundings are asked about together, in both directions, and twice.
fn mixed(plugin: &Plugin, file: &File) -> Result<(), String> {
    let mut groups: BTreeMap<String, (Surroundings, Vec<Record>)> = BTreeMap::new();
    for case in &file.cases {
        let given = case.given.clone().over(&file.given);
        let key = serde_json::to_string(&given).map_err(|error| error.to_string())?;
        let group = groups.entry(key).or_insert_with(|| (given, Vec::new()));
        group.1.extend(case.records.iter().cloned());
    }
    groups.values().try_for_each(|(given, records)| {
        let backwards: Vec<_> = records.iter().rev().cloned().collect();
        let twice = [records.as_slice(), records.as_slice()].concat();
        for records in [records, &backwards, &twice] {
            compare_with_alone(plugin, file, given, records)?;
        }
        Ok(())
    })
}

fn compare_with_alone(
    plugin: &Plugin,
    file: &File,
    given: &Surroundings,
    records: &[Record],
) -> Result<(), String> {
    let together = ask(plugin, file, given, records)?;
    let about_map = |said: &Said| said.data_map;
    let mut alone = Vec::new();
    for (item, record) in records.iter().enumerate() {
        let said = ask(plugin, file, given, std::slice::from_ref(record))?;
        let of_record = said.into_iter().filter(|said| !about_map(said));
        alone.extend(of_record.map(|said| Said { item, ..said }));
    }
    alone.extend(ask(plugin, file, given, &[])?.into_iter().filter(about_map));
    if alone == together {
        Ok(())
    } else {
        Err(format!("records are judged otherwise in company: {}", differ(&alone, &together)))
    }
}

fn differ(expected: &[Said], came: &[Said]) -> String {
    format!("\n    expected{}\n    came{}", list(expected), list(came))
}

fn list(said: &[Said]) -> String {
    let lines: Vec<_> = said.iter().map(|said| format!("\n      {said}")).collect();
    lines.concat()
}
