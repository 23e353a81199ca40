//! A policy that keeps records of some categories for a while after their clock started.

use oubli_policy_sdk::{Period, Policy, Problem, RecordView, Retention, Verdict, export_policy};
use schemars::JsonSchema;
use serde::Deserialize;

/// What the policy is told. `OUBLI_WRITE_SCHEMA=1 cargo test` writes `settings.schema.json` from it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The categories it covers, by their names in the data map.
    pub categories: Vec<String>,
    /// How long their records are kept, like P3Y or P18M.
    pub duration: Period,
}

/// The policy.
#[derive(Debug)]
pub struct KeepForAWhile(Settings);

impl Policy for KeepForAWhile {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        if settings.categories.is_empty() {
            return Err(vec![Problem::new("/categories", "must name at least one category")]);
        }
        Ok(Self(settings))
    }
}

impl Retention for KeepForAWhile {
    fn decide(&self, record: RecordView<'_>) -> Verdict<'_> {
        if !self.0.categories.iter().any(|category| category == record.category()) {
            return Verdict::none();
        }
        // While the clock has not started, nothing is to be said.
        let Some(start) = record.clock_start() else { return Verdict::none() };
        let until = start.plus(self.0.duration);
        if record.today() <= until {
            Verdict::keep_until(until, "for-a-while")
        } else {
            Verdict::erase("for-a-while")
        }
    }
}

export_policy!(KeepForAWhile: retention);
