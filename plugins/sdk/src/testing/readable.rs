//! Verdicts as people write them, and what is made of columns.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::verdict::action;
use crate::{Batch, Day, Verdicts};

/// A verdict of a case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Said {
    /// What is to be done.
    pub action: Action,
    /// The code of the rule.
    pub rule: String,
    /// The last day kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
    /// The names of the fields that it speaks of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Which record of the batch, from 0.
    #[serde(default)]
    pub item: usize,
    /// Whether it is about the data map, and no record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub data_map: bool,
    /// The sentence for people; not compared when a case does not give one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Said {
    /// Whether this came where `expected` was expected.
    pub(super) fn is(&self, expected: &Self) -> bool {
        let message = expected.message.as_ref().and(self.message.as_ref());
        Self { message: message.cloned(), ..self.clone() } == *expected
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// retention
    Keep,
    /// retention
    Review,
    /// retention
    Clear,
    /// retention
    Erase,
    /// guard
    Withhold,
    /// audit
    Low,
    /// audit
    Medium,
    /// audit
    High,
}

impl Action {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            action::KEEP => Self::Keep,
            action::REVIEW => Self::Review,
            action::CLEAR => Self::Clear,
            action::ERASE => Self::Erase,
            action::WITHHOLD => Self::Withhold,
            action::LOW => Self::Low,
            action::MEDIUM => Self::Medium,
            action::HIGH => Self::High,
            _ => return None,
        })
    }
}

/// The verdicts that columns hold.
///
/// # Errors
/// What of the contract (`types.wit`) the columns break.
pub fn readable(verdicts: &Verdicts, batch: &Batch) -> Result<Vec<Said>, String> {
    let rows = verdicts.index.len();
    let columns =
        [verdicts.action.len(), verdicts.rule.len(), verdicts.until.len(), verdicts.message.len()];
    if columns.iter().any(|length| *length != rows) {
        return Err("the columns differ in length".to_owned());
    }
    (0..rows).map(|row| said(verdicts, batch, row).ok_or_else(|| broken(row))).collect()
}

fn broken(row: usize) -> String {
    format!("verdict {row} points out of its columns, or has an unknown action")
}

fn said(verdicts: &Verdicts, batch: &Batch, row: usize) -> Option<Said> {
    let data_map = verdicts.index[row] == u32::MAX;
    let item = if data_map { 0 } else { usize::try_from(verdicts.index[row]).ok()? };
    let message = verdicts.message[row];
    Some(Said {
        action: Action::of(verdicts.action[row])?,
        rule: string(&verdicts.strings, verdicts.rule[row])?,
        until: Day::from_column(verdicts.until[row]),
        fields: fields(verdicts, batch, row)?,
        item: (data_map || item < batch.category.len()).then_some(item)?,
        data_map,
        message: if message == u32::MAX { None } else { Some(string(&verdicts.strings, message)?) },
    })
}

fn fields(verdicts: &Verdicts, batch: &Batch, row: usize) -> Option<Vec<String>> {
    if verdicts.field_start.is_empty() {
        return Some(Vec::new());
    }
    let bound = |row: usize| usize::try_from(*verdicts.field_start.get(row)?).ok();
    let rows = verdicts.fields.get(bound(row)?..bound(row + 1)?)?;
    let name = |field: &u32| {
        let name = batch.field_name.get(usize::try_from(*field).ok()?)?;
        string(&batch.strings, *name)
    };
    rows.iter().map(name).collect()
}

fn string(strings: &[String], index: u32) -> Option<String> {
    strings.get(usize::try_from(index).ok()?).cloned()
}
