//! What the audit needs of a data map; the rest is passed over.

use std::collections::BTreeMap;

use oubli_policy_sdk::Period;
use serde::Deserialize;

/// The classifications of Art. 9(1).
const SPECIAL: [&str; 9] = [
    "health",
    "health_record",
    "genetic",
    "biometric",
    "ethnic_origin",
    "political_opinion",
    "belief",
    "trade_union",
    "sexual_life",
];

/// What stands for every field of a category.
const ALL: &str = "*";

#[derive(Debug, Deserialize)]
pub(crate) struct DataMap {
    #[serde(default)]
    pub(crate) categories: BTreeMap<String, Category>,
    #[serde(default)]
    pub(crate) purposes: BTreeMap<String, Purpose>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Category {
    pub(crate) duration: Option<Period>,
    #[serde(default)]
    fields: BTreeMap<String, Field>,
}

#[derive(Debug, Deserialize)]
struct Field {
    #[serde(default)]
    classification: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Purpose {
    pub(crate) lawful_basis: Option<String>,
    pub(crate) special_ground: Option<String>,
    #[serde(default)]
    reads: BTreeMap<String, Vec<String>>,
}

impl Purpose {
    fn reads(&self, category: &str, field: &str) -> bool {
        let fields = self.reads.get(category);
        fields.is_some_and(|names| names.iter().any(|name| name == ALL || name == field))
    }
}

impl DataMap {
    /// Category and name of the fields that no purpose reads.
    pub(crate) fn unread_fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields().filter_map(|(category, name, _)| {
            let is_read = self.purposes.values().any(|purpose| purpose.reads(category, name));
            (!is_read).then_some((category, name))
        })
    }

    /// Category and name of the fields of special categories that a purpose reads.
    pub(crate) fn special_fields(&self, purpose: &Purpose) -> impl Iterator<Item = (&str, &str)> {
        self.fields().filter_map(move |(category, name, field)| {
            let is_special = SPECIAL.contains(&field.classification.as_str());
            (is_special && purpose.reads(category, name)).then_some((category, name))
        })
    }

    fn fields(&self) -> impl Iterator<Item = (&str, &str, &Field)> {
        self.categories.iter().flat_map(|(category, of)| {
            of.fields.iter().map(|(name, field)| (category.as_str(), name.as_str(), field))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oubli_domain::data_map::{Classification, SpecialRule};

    #[test]
    fn special_categories_are_those_of_the_service() {
        let all = Classification::ALL.iter();
        let special = all.filter(|class| class.special_rule() == Some(SpecialRule::Article9));
        let special: BTreeSet<_> = special.map(|class| class.as_str()).collect();
        assert_eq!(special, BTreeSet::from(super::SPECIAL));
    }
}
