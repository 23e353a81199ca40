//! What an erasure would do, or did, and what must stay whoever says so.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Day;
use crate::ids::{HoldId, KeptItemId, Name, RecordId};

/// Who decided that something stays.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Decider {
    /// Staff set a legal hold (Art. 17(3)(e)). It has no end until it is released.
    Hold {
        /// The hold.
        hold: HoldId,
    },
    /// A rule of a policy says that a law demands it (Art. 17(3)(b)).
    Policy {
        /// The SHA-256 digest of the plugin, in hex.
        plugin: String,
        /// Whether the policy failed: until the DPO decides, nothing is destroyed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        failed: bool,
    },
}

/// One reason why fields stay.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Keeper {
    /// Who decided it.
    #[serde(flatten)]
    pub decider: Decider,
    /// The law, as the rule or the hold names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_reference: Option<String>,
    /// The last day; none where it has no known end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// What one source withholds from an erasure. Holds and policies give these alike.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withhold {
    /// Records of this category; of every one when none.
    pub category: Option<Name>,
    /// This record alone; every one when none.
    pub record: Option<RecordId>,
    /// These fields; all of them when empty.
    pub fields: BTreeSet<Name>,
    /// Who says so, why and until when.
    pub keeper: Keeper,
}

impl Withhold {
    fn covers(&self, record: &RecordFields, field: &Name) -> bool {
        self.category.as_ref().is_none_or(|category| *category == record.category)
            && self.record.as_ref().is_none_or(|id| *id == record.record)
            && (self.fields.is_empty() || self.fields.contains(field))
    }
}

/// A record as the planner sees it: names, no values.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecordFields {
    /// Its category.
    pub category: Name,
    /// Its id.
    pub record: RecordId,
    /// The fields that are stored of it.
    pub fields: BTreeSet<Name>,
}

impl RecordFields {
    /// What stays of the record: its fields parted by who keeps them, so that each part goes as a
    /// whole when the last of its keepers has ended. A record without fields leaves nothing.
    #[must_use]
    pub fn kept(&self, withheld: &[Withhold]) -> Vec<KeptItem> {
        let mut parts: BTreeMap<BTreeSet<&Keeper>, BTreeSet<Name>> = BTreeMap::new();
        for field in &self.fields {
            let covering = withheld.iter().filter(|withhold| withhold.covers(self, field));
            let keepers: BTreeSet<&Keeper> = covering.map(|withhold| &withhold.keeper).collect();
            if !keepers.is_empty() {
                parts.entry(keepers).or_default().insert(field.clone());
            }
        }
        let parts = parts.into_iter();
        parts.map(|(keepers, fields)| self.item(keepers, fields)).collect()
    }

    fn item(&self, keepers: BTreeSet<&Keeper>, fields: BTreeSet<Name>) -> KeptItem {
        KeptItem {
            item: None,
            category: self.category.clone(),
            record: self.record.clone(),
            fields,
            kept_by: keepers.into_iter().cloned().collect(),
        }
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
    /// Its id, from the erasure on; none in a preview.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<KeptItemId>,
    /// The category.
    pub category: Name,
    /// The record.
    pub record: RecordId,
    /// The fields that stay, at least one.
    pub fields: BTreeSet<Name>,
    /// Who keeps them, at least one. They stay until the last of these has ended.
    pub kept_by: Vec<Keeper>,
}

impl KeptItem {
    /// The last day; none while a keeper has no known end.
    #[must_use]
    pub fn until(&self) -> Option<Day> {
        let days: Option<Vec<Day>> = self.kept_by.iter().map(|keeper| keeper.until).collect();
        days?.into_iter().max()
    }

    /// The holds that keep it.
    pub fn holds(&self) -> impl Iterator<Item = HoldId> {
        self.kept_by.iter().filter_map(|keeper| match keeper.decider {
            Decider::Hold { hold } => Some(hold),
            Decider::Policy { .. } => None,
        })
    }
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

    /// The holds that keep something.
    #[must_use]
    pub fn keeping_holds(&self) -> BTreeSet<HoldId> {
        self.kept.iter().flat_map(KeptItem::holds).collect()
    }

    /// The digests of the plugins that keep something.
    #[must_use]
    pub fn deciding_plugins(&self) -> BTreeSet<&str> {
        let keepers = self.kept.iter().flat_map(|item| &item.kept_by);
        let plugins = keepers.filter_map(|keeper| match &keeper.decider {
            Decider::Policy { plugin, .. } => Some(plugin.as_str()),
            Decider::Hold { .. } => None,
        });
        plugins.collect()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::{Decider, Keeper, KeptItem, Plan, RecordFields, Withhold};
    use crate::clock::{Day, Time};
    use crate::ids::{HoldId, Name, RecordId};

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn names(texts: &[&str]) -> BTreeSet<Name> {
        texts.iter().map(|text| name(text)).collect()
    }

    fn policy(until: &str) -> Keeper {
        let decider = Decider::Policy { plugin: "ab".repeat(32), failed: false };
        let legal_reference = Some("HGB § 257".to_owned());
        Keeper { decider, legal_reference, until: Some(Day::parse(until).unwrap()) }
    }

    fn hold() -> Keeper {
        let decider = Decider::Hold { hold: HoldId::fresh(Time(0)) };
        Keeper { decider, legal_reference: Some("Case 7".to_owned()), until: None }
    }

    fn invoice(fields: &[&str]) -> RecordFields {
        RecordFields {
            category: name("invoice"),
            record: RecordId::new("7").unwrap(),
            fields: names(fields),
        }
    }

    fn of(category: Option<&str>, fields: &[&str], keeper: &Keeper) -> Withhold {
        let category = category.map(name);
        Withhold { category, record: None, fields: names(fields), keeper: keeper.clone() }
    }

    #[test]
    fn fields_are_parted_by_who_keeps_them() {
        let (hold, policy) = (hold(), policy("2034-12-31"));
        let withheld =
            [of(Some("invoice"), &["total"], &hold), of(None, &["total", "date"], &policy)];
        let mut kept = invoice(&["date", "note", "total"]).kept(&withheld);
        kept.sort_by_key(|item| item.kept_by.len());
        assert_eq!(kept.len(), 2);
        assert_eq!((&kept[0].fields, &kept[0].kept_by), (&names(&["date"]), &vec![policy.clone()]));
        assert_eq!(kept[1].fields, names(&["total"]));
        assert_eq!(kept[1].kept_by.len(), 2);
        assert_eq!((kept[0].until(), kept[1].until()), (policy.until, None));
        assert_eq!(kept[1].holds().count(), 1);
    }

    #[test]
    fn what_nothing_covers_is_not_kept() {
        let hold = hold();
        assert!(invoice(&["total"]).kept(&[]).is_empty());
        assert!(invoice(&["total"]).kept(&[of(Some("profile"), &[], &hold)]).is_empty());
        assert!(invoice(&["total"]).kept(&[of(Some("invoice"), &["note"], &hold)]).is_empty());
        let other = Withhold { record: RecordId::new("8").ok(), ..of(None, &[], &hold) };
        assert!(invoice(&["total"]).kept(&[other]).is_empty());
        assert!(invoice(&[]).kept(&[of(None, &[], &hold)]).is_empty());
        let same = [of(None, &[], &hold), of(Some("invoice"), &[], &hold)];
        let kept = invoice(&["note", "total"]).kept(&same);
        assert_eq!((kept.len(), kept[0].kept_by.len()), (1, 1), "one keeper once");
    }

    #[test]
    fn an_item_stays_until_the_last_of_its_days() {
        let kept_by = vec![policy("2030-12-31"), policy("2034-12-31"), policy("2031-12-31")];
        let item =
            KeptItem { kept_by, ..invoice(&["total"]).kept(&[of(None, &[], &hold())]).remove(0) };
        assert_eq!(item.until(), Some(Day::parse("2034-12-31").unwrap()));
    }

    #[test]
    fn a_plan_reads_back_and_bad_days_and_ids_do_not() {
        let hold = HoldId::fresh(Time(0));
        let document = json!({
            "erased": [{"category": "profile", "records": 1}],
            "kept": [
                {"category": "invoice", "record": "7", "fields": ["total"], "kept_by": [
                    {"kind": "hold", "hold": hold, "legal_reference": "Case 7"},
                    {"kind": "policy", "plugin": "ab", "legal_reference": "HGB § 257",
                     "until": "2034-12-31"},
                    {"kind": "policy", "plugin": "cd", "failed": true},
                ]},
            ],
            "tables": {"records": 3},
        });
        let plan: Plan = serde_json::from_value(document.clone()).unwrap();
        assert_eq!(serde_json::to_value(&plan).unwrap(), document);
        assert!(plan.keeps_anything() && !Plan::default().keeps_anything());
        assert_eq!(plan.keeping_holds(), [hold].into());
        assert_eq!(plan.deciding_plugins(), ["ab", "cd"].into());
        for (pointer, bad) in [
            ("/kept/0/kept_by/1/until", "2034-02-30"),
            ("/kept/0/kept_by/1/until", "soon"),
            ("/kept/0/kept_by/0/hold", "hld_1"),
            ("/kept/0/kept_by/0/kind", "wish"),
        ] {
            let mut changed = document.clone();
            *changed.pointer_mut(pointer).unwrap() = bad.into();
            assert!(serde_json::from_value::<Plan>(changed).is_err(), "{pointer}");
        }
    }
}
