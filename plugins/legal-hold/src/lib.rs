//! A policy that withholds what a dispute needs from every destruction (Art. 17(3)(e)): by category,
//! field and day of creation, whoever the person is. Holds on one person are set by the staff, and
//! need no policy.

use oubli_policy_sdk::{Act, Day, Guard, Policy, Problem, RecordView, Withhold, export_policy};
use schemars::JsonSchema;
use serde::Deserialize;

/// The holds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Any number of them, also none.
    #[schemars(length(max = 1000))]
    pub holds: Vec<Hold>,
}

/// A hold: a rule, and what it covers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Hold {
    /// What verdicts cite.
    #[schemars(regex(pattern = "^[a-z][a-z0-9._-]{0,62}$"))]
    pub code: String,
    /// For people.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Always `must-keep`.
    pub kind: Kind,
    /// The law behind it.
    #[serde(default)]
    pub legal_reference: Option<LegalReference>,
    /// The categories it covers, by their names in the data map; all of them when there are none here.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub categories: Vec<String>,
    /// The fields it withholds; all of them when there are none here.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub fields: Vec<String>,
    /// Only records created on this day or later.
    #[serde(default)]
    pub created_from: Option<Day>,
    /// Only records created up to this day.
    #[serde(default)]
    pub created_to: Option<Day>,
    /// The last day of the hold; without it the hold stands until it is taken out of the settings.
    #[serde(default)]
    pub until: Option<Day>,
}

/// What a hold is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// It withholds from an erasure.
    MustKeep,
}

/// The law behind a hold.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalReference {
    /// That says how long.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    pub duration: Option<String>,
    /// That says from when.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    pub start: Option<String>,
}

/// The policy.
#[derive(Debug)]
pub struct LegalHold(Vec<Hold>);

impl Policy for LegalHold {
    type Settings = Settings;

    fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let problems: Vec<_> = settings.holds.iter().enumerate().filter_map(reversed).collect();
        if problems.is_empty() { Ok(Self(settings.holds)) } else { Err(problems) }
    }
}

/// A range of days that ends before it begins covers nothing: a hold that nobody would miss.
fn reversed((n, hold): (usize, &Hold)) -> Option<Problem> {
    let reversed = hold.created_from? > hold.created_to?;
    let text = "must not be before `created-from`";
    reversed.then(|| Problem::new(format!("/holds/{n}/created-to"), text))
}

impl Hold {
    fn covers(&self, record: RecordView<'_>) -> bool {
        let category = self.categories.is_empty()
            || self.categories.iter().any(|category| category == record.category());
        category
            && self.created_from.is_none_or(|day| record.created() >= day)
            && self.created_to.is_none_or(|day| record.created() <= day)
            && self.until.is_none_or(|day| record.today() <= day)
    }

    fn withhold(&self, record: RecordView<'_>) -> Withhold<'_> {
        let all = Withhold::until(self.until, &self.code);
        if self.fields.is_empty() {
            return all;
        }
        all.only(record.fields().filter(|field| self.fields.iter().any(|of| of == field.name())))
    }
}

impl Guard for LegalHold {
    /// What any hold covers, up to the end of the longest, which is cited.
    fn withhold(&self, _act: Act, record: RecordView<'_>) -> Withhold<'_> {
        let holds = self.0.iter().filter(|hold| hold.covers(record));
        holds.map(|hold| hold.withhold(record)).fold(Withhold::none(), Withhold::and)
    }
}

export_policy!(LegalHold: guard);

#[cfg(test)]
mod tests {
    use super::PLUGIN;

    #[test]
    fn golden_cases_hold() {
        oubli_policy_sdk::testing::assert_golden(&PLUGIN, env!("CARGO_MANIFEST_DIR"));
    }
}
