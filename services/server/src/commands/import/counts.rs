//! What an import came to, by type of line.

use std::collections::BTreeMap;
use std::fmt;

use oubli_domain::import_line::LineType;
use serde::{Deserialize, Serialize};

/// How one line ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    Imported,
    Unchanged,
    Rejected,
}

/// How many lines of a type ended how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    imported: u64,
    unchanged: u64,
    rejected: u64,
}

/// The counts of each type; `other` has the lines of none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts(BTreeMap<String, Ended>);

impl Counts {
    pub(super) fn add(&mut self, kind: Option<LineType>, fate: Fate) {
        let ended = self.0.entry(name(kind).to_owned()).or_default();
        match fate {
            Fate::Imported => ended.imported += 1,
            Fate::Unchanged => ended.unchanged += 1,
            Fate::Rejected => ended.rejected += 1,
        }
    }

    pub(super) fn rejected(&self) -> u64 {
        self.0.values().map(|ended| ended.rejected).sum()
    }
}

fn name(kind: Option<LineType>) -> &'static str {
    match kind {
        Some(kind @ (LineType::Subject | LineType::Record | LineType::Consent)) => kind.as_str(),
        _ => "other",
    }
}

/// One row for each type, `other` only where there is any.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<10}{:>12}{:>12}{:>12}", "", "imported", "unchanged", "rejected")?;
        for kind in ["subject", "record", "consent", "other"] {
            let found = self.0.get(kind).copied();
            if kind == "other" && found.is_none() {
                continue;
            }
            let Ended { imported, unchanged, rejected } = found.unwrap_or_default();
            write!(f, "\n{kind:<10}{imported:>12}{unchanged:>12}{rejected:>12}")?;
        }
        Ok(())
    }
}
