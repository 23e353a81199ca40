//! The form of the settings.

use oubli_policy_sdk::{Period, YearEnd};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The table.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The month and day on which the financial year ends, like 12-31; 02-29 is the last of February.
    #[serde(default)]
    pub financial_year_end: YearEnd,
    /// Rows whose duration, clock and law the plugin brings.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub presets: Vec<PresetRow>,
    /// Rows of one's own; may be empty.
    #[schemars(length(max = 1000))]
    pub rules: Vec<Row>,
}

/// A row whose duration, clock and law the plugin brings.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PresetRow {
    /// Which.
    pub preset: Preset,
    /// The categories it covers, by their names in the data map.
    #[schemars(length(min = 1, max = 200))]
    pub categories: Vec<String>,
    /// Of a duty: the fields that it withholds; all of them when there are none here.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub fields: Vec<String>,
    /// What is done when it has ended.
    #[serde(default)]
    pub after: After,
}

/// A rule that the plugin brings, cited by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// Ten years from the close of the financial year: Code de commerce, art. L123-22.
    FrAccounting,
    /// Three years from the last contact that came from the person: CNIL.
    FrProspects,
    /// Ten years from the end of the calendar year: AO § 147, HGB § 257.
    DeBooks,
    /// Eight years from the end of the calendar year: AO § 147, HGB § 257.
    DeVouchers,
}

/// A row of one's own: a rule, and what it covers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Row {
    /// What verdicts cite.
    #[schemars(regex(pattern = "^[a-z][a-z0-9._-]{0,62}$"))]
    pub code: String,
    /// For people.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// Duty or limit.
    pub kind: Kind,
    /// The law or authority behind it.
    #[serde(default)]
    pub legal_reference: Option<LegalReference>,
    /// The categories it covers, by their names in the data map.
    #[schemars(length(min = 1, max = 200))]
    pub categories: Vec<String>,
    /// How long, like P10Y or P18M.
    pub duration: Period,
    /// From when.
    #[serde(default)]
    pub clock: Clock,
    /// Of a duty: the fields that it withholds; all of them when there are none here.
    #[serde(default)]
    #[schemars(length(max = 200))]
    pub fields: Vec<String>,
    /// What is done when it has ended.
    #[serde(default)]
    pub after: After,
}

/// What a row does to an erasure.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A legal duty to keep: it also withholds from an erasure (Art. 17(3)).
    MustKeep,
    /// The longest that is allowed: it never withholds.
    Limit,
}

/// The law or authority behind a rule.
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

/// From when a row counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clock {
    /// From which day.
    #[serde(default)]
    pub from: Since,
    /// The end of the year in which that day lies.
    #[serde(default)]
    pub end_of: Option<Year>,
}

/// The day that a row counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Since {
    /// The day that the data map says for the category; while it is not known the row has no end.
    #[default]
    ClockStart,
    /// The day the record was created.
    Created,
    /// The day of the last contact that came from the person; the day the record was created when
    /// none is known.
    LastContact,
    /// The day the business that the record belongs to was closed; while it is open the row has no
    /// end.
    Closed,
}

/// A year whose end a row waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Year {
    /// 31 December.
    CalendarYear,
    /// The day in `financial-year-end`.
    FinancialYear,
}

/// What is done with a record when its row has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum After {
    /// It is erased.
    #[default]
    Erase,
    /// A person decides.
    Review,
    /// Nothing.
    Nothing,
}
