//! A policy that finds personal data which the data map does not declare, or declares as something
//! else: e-mail addresses, phone numbers, IBAN, payment cards and French social security numbers, by
//! the names of fields and, where values were granted, by their values. Checksums are computed, so
//! that most numbers that only look alike are passed over. It never says what it read.

mod kind;
mod names;
mod numbers;
mod values;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use oubli_policy_sdk::{
    Audit, FieldView, Finding, Findings, Policy, Problem, RecordView, export_policy,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub use kind::Kind;
use kind::Kinds;

/// What is looked for, and where not.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// What is looked for; everything when there is nothing here.
    #[serde(default)]
    pub kinds: BTreeSet<Kind>,
    /// Fields that were looked at and are as they should be.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub accepted: Vec<Accepted>,
}

/// A field that is as it should be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Accepted {
    /// Its category.
    pub category: String,
    /// Its name.
    pub field: String,
}

/// The policy.
#[derive(Debug)]
pub struct PiiAudit {
    kinds: Kinds,
    accepted: Vec<Accepted>,
    /// What the names of a batch look like: they come again and again.
    names: RefCell<HashMap<String, Kinds>>,
}

impl Policy for PiiAudit {
    type Settings = Settings;

    fn new(Settings { kinds, accepted }: Settings) -> Result<Self, Vec<Problem>> {
        let kinds = if kinds.is_empty() { Kinds::all() } else { kinds.into_iter().collect() };
        Ok(Self { kinds, accepted, names: RefCell::default() })
    }
}

impl PiiAudit {
    fn is_accepted(&self, category: &str, field: FieldView<'_>) -> bool {
        self.accepted.iter().any(|of| of.category == category && of.field == field.name())
    }

    fn name_kinds(&self, name: &str) -> Kinds {
        let mut names = self.names.borrow_mut();
        if let Some(kinds) = names.get(name) {
            return *kinds;
        }
        let kinds = names::kinds(name);
        names.insert(name.to_owned(), kinds);
        kinds
    }
}

impl Audit for PiiAudit {
    /// One finding for each field and kind; a value says more than a name, so it goes first.
    fn audit(&self, record: RecordView<'_>, findings: &mut Findings<'_>) {
        for field in record.fields().filter(|field| !self.is_accepted(record.category(), *field)) {
            let wanted = self.kinds.without(Kinds::declared_as(field.classification()));
            let held = field.value().map_or(Kinds::none(), values::kinds).and(wanted);
            let named = self.name_kinds(field.name()).and(wanted).without(held);
            for kind in held.iter() {
                findings.report(held_finding(kind, field).of([field]));
            }
            for kind in named.iter() {
                findings.report(named_finding(kind, field).of([field]));
            }
        }
    }
}

fn held_finding(kind: Kind, field: FieldView<'_>) -> Finding<'static> {
    let rule = kind.value_rule();
    if field.is_declared() { Finding::medium(rule) } else { Finding::high(rule) }
}

fn named_finding(kind: Kind, field: FieldView<'_>) -> Finding<'static> {
    let rule = kind.name_rule();
    if field.is_declared() { Finding::low(rule) } else { Finding::medium(rule) }
}

export_policy!(PiiAudit: audit);

#[cfg(test)]
mod tests {
    use super::PLUGIN;

    #[test]
    fn golden_cases_hold() {
        oubli_policy_sdk::testing::assert_golden(&PLUGIN, env!("CARGO_MANIFEST_DIR"));
    }
}
