//! A policy that finds more processing than the data map accounts for: purposes without a lawful basis
//! or without a ground for special categories, fields without a purpose, categories without an end or
//! with another one than is enforced, consents that are older than their notice, and records that no
//! purpose covers any more. It needs no values.

mod data_map;

use std::collections::BTreeMap;

use data_map::{DataMap, Purpose};
use oubli_policy_sdk::{
    Audit, Declared, Finding, Findings, Period, Policy, PolicyError, Problem, PurposeConsents,
    RecordView, export_policy,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// What the data map does not say.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// How long each category is kept in fact, by its name in the data map: the durations that
    /// retention policies enforce.
    #[serde(default)]
    #[schemars(extend("maxProperties" = 1000))]
    pub enforced: BTreeMap<String, Period>,
}

/// The policy.
#[derive(Debug)]
pub struct MinimisationAudit(Settings);

impl Policy for MinimisationAudit {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        Ok(Self(settings))
    }
}

impl Audit for MinimisationAudit {
    fn audit(&self, record: RecordView<'_>, findings: &mut Findings<'_>) {
        // What must be kept all the same needs no purpose (Art. 17(3), 18(2)).
        if record.has_no_basis() && !record.is_held() && !record.is_restricted() {
            findings.report(Finding::medium("record-without-basis"));
        }
    }

    fn audit_data_map(
        &self,
        declared: &Declared,
        findings: &mut Findings<'_>,
    ) -> Result<(), PolicyError> {
        let map: DataMap = declared.data_map()?;
        for (name, purpose) in &map.purposes {
            audit_purpose(&map, name, purpose, findings);
        }
        for (category, field) in map.unread_fields() {
            let text = format!("No purpose reads `{field}` of `{category}`.");
            findings.report(Finding::low("field-without-purpose").because(text));
        }
        self.audit_durations(&map, findings);
        for purpose in &declared.purposes {
            audit_consents(purpose, findings);
        }
        Ok(())
    }
}

fn audit_purpose(map: &DataMap, name: &str, purpose: &Purpose, findings: &mut Findings<'_>) {
    if purpose.lawful_basis.as_deref().unwrap_or_default().is_empty() {
        let text = format!("The purpose `{name}` names no lawful basis.");
        findings.report(Finding::high("purpose-without-basis").because(text));
    }
    if purpose.special_ground.is_some() {
        return;
    }
    for (category, field) in map.special_fields(purpose) {
        let text = format!("The purpose `{name}` reads `{field}` of `{category}`.");
        findings.report(Finding::high("special-without-ground").because(text));
    }
}

fn audit_consents(purpose: &PurposeConsents, findings: &mut Findings<'_>) {
    let PurposeConsents { name, live, older_notice, .. } = purpose;
    if *older_notice > 0 {
        let text = format!(
            "{older_notice} of {live} consents to `{name}` were given under an older version of the notice."
        );
        findings.report(Finding::medium("consents-older-than-notice").because(text));
    }
}

impl MinimisationAudit {
    fn audit_durations(&self, map: &DataMap, findings: &mut Findings<'_>) {
        for (name, category) in &map.categories {
            match (category.duration, self.0.enforced.get(name)) {
                (None, None) => {
                    let text = format!("Nothing says how long `{name}` is kept.");
                    findings.report(Finding::medium("retention-without-end").because(text));
                }
                (Some(declared), Some(enforced)) if declared != *enforced => {
                    let text = format!("`{name}`: {declared} is declared, {enforced} is enforced.");
                    findings.report(Finding::medium("durations-differ").because(text));
                }
                (None, Some(enforced)) => {
                    let text = format!("`{name}`: nothing is declared, {enforced} is enforced.");
                    findings.report(Finding::low("durations-differ").because(text));
                }
                _ => {}
            }
        }
        for name in self.0.enforced.keys().filter(|name| !map.categories.contains_key(*name)) {
            let text = format!("The settings name `{name}`, which the data map does not have.");
            findings.report(Finding::low("durations-differ").because(text));
        }
    }
}

export_policy!(MinimisationAudit: audit);

#[cfg(test)]
mod tests {
    use super::PLUGIN;

    #[test]
    fn golden_cases_hold() {
        oubli_policy_sdk::testing::assert_golden(&PLUGIN, env!("CARGO_MANIFEST_DIR"));
    }
}
