//! What a policy says of items, checked: the host gives nothing else of a plugin to its callers.

use std::sync::Arc;

use oubli_domain::Day;

use crate::error::RunError;
use crate::manifest::Rule;

/// What is about to destroy the items that a guard is asked about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Act {
    /// An erasure that the person asked for (Art. 17).
    Request,
    /// A retention policy's verdict.
    Retention,
    /// A call that deletes a record.
    Delete,
}

/// A verdict on one item, with what it rests on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Verdict<A> {
    /// What is to be done.
    pub action: A,
    /// A rule of the manifest or the settings.
    pub rule: Arc<Rule>,
    /// A sentence for people, at most 1,000 bytes of plain text. None when values were granted: the
    /// rule's title stands for it.
    pub message: Option<Arc<str>>,
}

/// What a retention policy says of an item.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Retention {
    /// Keep it up to this day, the last; ask again after it.
    Keep {
        /// Today or later.
        until: Day,
    },
    /// A person decides.
    Review,
    /// Remove the values of these fields; their names stay.
    Clear {
        /// At least one, of the item.
        fields: Vec<Arc<str>>,
    },
    /// Erase it.
    Erase,
}

/// What a guard withholds of an item.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Withhold {
    /// The last day, today or later; none when no end is known.
    pub until: Option<Day>,
    /// Fields of the item; none of them: the whole item.
    pub fields: Vec<Arc<str>>,
}

/// What an audit reports.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// Fields of the item; none of them: the whole item, or the data map.
    pub fields: Vec<Arc<str>>,
}

/// How much a finding matters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Severity {
    /// To be looked at some time.
    Low,
    /// To be looked at soon.
    Medium,
    /// To be looked at first.
    High,
}

/// What became of an item in a sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome<T> {
    /// The policy says nothing: as far as it goes, the item is kept.
    Silent,
    /// The policy decided.
    Decided(T),
    /// The policy failed at the item, or did not get to it: it is kept, whatever others say, and is
    /// put before the DPO; a guard withholds it.
    Failed(RunError),
}

/// What a policy said of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report<T> {
    /// By item, in the order of the batch.
    pub items: Vec<Outcome<T>>,
    /// What it took.
    pub effort: Effort,
}

/// What an audit said of a batch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditReport {
    /// By item, in the order of the batch: what was found.
    pub items: Vec<Outcome<Vec<Verdict<Finding>>>>,
    /// What was found in the data map, each once; or why nothing is known of it.
    pub data_map: Result<Vec<Verdict<Finding>>, RunError>,
    /// What it took.
    pub effort: Effort,
}

/// What judging a batch took.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Effort {
    /// Runs of the guest, those that failed among them.
    pub runs: u32,
    /// Runs that failed.
    pub failed_runs: u32,
    /// The deterministic cost of the runs that did not fail, in units of fuel; 0 unless the host is metered.
    pub fuel: u64,
}
