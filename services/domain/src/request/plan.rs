//! What an erasure would do, or did.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Day;
use crate::ids::{Name, RecordId};
use crate::wire::wire_enum;

wire_enum! {
    /// Why something stays after an erasure.
    KeepReason, "reason to keep" {
        /// A rule of a policy says that a law demands it (Art. 17(3)(b)).
        MustKeep = "must_keep",
        /// Staff set a legal hold (Art. 17(3)(e)).
        LegalHold = "legal_hold",
        /// A policy failed; until the DPO decides, nothing is destroyed.
        PolicyFailed = "policy_failed",
    }
}

/// The records of one category that go.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasedCategory {
    /// The category.
    pub category: Name,
    /// How many of its records go, in whole or in part.
    pub records: u64,
}

/// Fields of one record that stay, under a key of their own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptItem {
    /// The category.
    pub category: Name,
    /// The record.
    pub record: RecordId,
    /// The fields that stay; the whole record when empty.
    #[serde(default)]
    pub fields: BTreeSet<Name>,
    /// Why.
    pub reason: KeepReason,
    /// The law, as the rule or the hold names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_reference: Option<String>,
    /// The last day it stays; without a known end when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// What goes, what stays, why and until when. Holds no value of any field.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What goes, by category.
    pub erased: Vec<ErasedCategory>,
    /// What stays.
    pub kept: Vec<KeptItem>,
    /// How many rows about the subject each table holds, by table name.
    pub tables: BTreeMap<String, u64>,
}

impl Plan {
    /// Whether anything stays.
    #[must_use]
    pub fn keeps_anything(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Whether a field of a record stays.
    #[must_use]
    pub fn keeps(&self, category: &Name, record: &RecordId, field: &Name) -> bool {
        self.kept.iter().any(|item| {
            item.category == *category
                && item.record == *record
                && (item.fields.is_empty() || item.fields.contains(field))
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::json;

    use super::Plan;
    use crate::ids::{Name, RecordId};

    #[test]
    fn a_plan_reads_back_and_knows_what_it_keeps() {
        let document = json!({
            "erased": [{"category": "profile", "records": 1}],
            "kept": [
                {"category": "invoice", "record": "7", "fields": ["total"], "reason": "must_keep",
                 "legal_reference": "HGB § 257", "until": "2034-12-31"},
                {"category": "invoice", "record": "8", "fields": [], "reason": "legal_hold"},
            ],
            "tables": {"records": 3},
        });
        let plan: Plan = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(serde_json::to_value(&plan).unwrap(), document);
        assert!(plan.keeps_anything());
        assert!(!Plan::default().keeps_anything());

        let name = |text: &str| Name::new(text).unwrap();
        let keeps = |category, record: &str, field| {
            plan.keeps(&name(category), &RecordId::new(record).unwrap(), &name(field))
        };
        assert!(keeps("invoice", "7", "total"));
        assert!(!keeps("invoice", "7", "address"));
        assert!(keeps("invoice", "8", "address"));
        assert!(!keeps("profile", "7", "total"));
    }
}
