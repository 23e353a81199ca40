//! Rules: what a verdict may cite.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check::{check_rule, member};
use super::{MAX_RULES, Manifest, ManifestError};

/// A rule that a verdict rests on.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// A lower-case letter, then up to 62 lower-case letters, digits, `-`, `_` or `.`.
    pub code: String,
    /// For people, 1 to 200 bytes.
    pub title: String,
    /// Duty or limit.
    pub kind: RuleKind,
    /// The law or authority behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_reference: Option<LegalReference>,
}

/// What a rule does to an erasure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleKind {
    /// A legal duty to keep: it also withholds from an erasure (Art. 17(3)).
    MustKeep,
    /// The longest that is allowed: it never withholds.
    Limit,
}

/// The law or authority behind a rule, each 1 to 500 bytes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegalReference {
    /// That says how long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// That says from when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
}

/// A rule as it stands in settings: members beside a rule's own are the plugin's.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RuleInSettings {
    code: String,
    title: String,
    kind: RuleKind,
    legal_reference: Option<LegalReference>,
}

/// The rules that the verdicts of a revision may cite, by code: those of the manifest and those of
/// the settings.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rules(BTreeMap<String, Arc<Rule>>);

impl Rules {
    /// The rule of that code.
    #[must_use]
    pub fn get(&self, code: &str) -> Option<&Arc<Rule>> {
        self.0.get(code)
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.0.values()
    }

    fn add(&mut self, rule: Rule, of: &'static str) -> Result<(), ManifestError> {
        if self.0.contains_key(&rule.code) {
            return Err(member(of, "unlike that of every other rule"));
        }
        self.0.insert(rule.code.clone(), Arc::new(rule));
        Ok(())
    }
}

impl Manifest {
    /// The rules that verdicts under these settings may cite.
    ///
    /// # Errors
    /// `Member` when `rules-from-settings` leads to no array of rules within their bounds, or two
    /// rules have one code.
    pub fn rules(&self, settings: &Value) -> Result<Rules, ManifestError> {
        let mut rules = Rules::default();
        for rule in &self.rules {
            rules.add(rule.clone(), "rules.code")?;
        }
        for rule in self.rules_in(settings)? {
            rules.add(rule, "rules-from-settings.code")?;
        }
        Ok(rules)
    }

    fn rules_in(&self, settings: &Value) -> Result<Vec<Rule>, ManifestError> {
        let Some(pointer) = &self.rules_from_settings else { return Ok(Vec::new()) };
        let wrong =
            || member("rules-from-settings", "an array of at most 1000 rules in the settings");
        let list = settings.pointer(pointer).and_then(Value::as_array).ok_or_else(wrong)?;
        if list.len() > MAX_RULES {
            return Err(wrong());
        }
        list.iter().map(|value| read(value).ok_or_else(wrong)?).collect()
    }
}

fn read(value: &Value) -> Option<Result<Rule, ManifestError>> {
    let RuleInSettings { code, title, kind, legal_reference } =
        RuleInSettings::deserialize(value).ok()?;
    let rule = Rule { code, title, kind, legal_reference };
    Some(check_rule(&rule).map(|()| rule))
}
