//! What part of a subject's data a request is about.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::data_map::CompiledDataMap;
use crate::ids::Name;
use crate::problem::{Code, Refusal};

/// What a request is about: everything when empty, otherwise the union of what its parts select.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestScope {
    /// Purposes: every field that they may read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub purposes: BTreeSet<Name>,
    /// Whole categories.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub categories: BTreeSet<Name>,
    /// Single fields, by category.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<Name, BTreeSet<Name>>,
}

impl RequestScope {
    /// Whether it is about all of the subject's data.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.purposes.is_empty() && self.categories.is_empty() && self.fields.is_empty()
    }

    /// Whether a field is within the scope. `map` says what a purpose may read.
    #[must_use]
    pub fn covers(&self, map: &CompiledDataMap, category: &Name, field: &Name) -> bool {
        self.is_everything()
            || self.categories.contains(category)
            || self.fields.get(category).is_some_and(|fields| fields.contains(field))
            || self.purposes.iter().any(|purpose| map.may_read(purpose, category, field))
    }

    /// Checks that everything it names is in the data map.
    ///
    /// # Errors
    /// `unknown-purpose`, `unknown-category`, or `invalid-body` for an unknown field.
    pub fn check(&self, map: &CompiledDataMap) -> Result<(), Refusal> {
        for purpose in &self.purposes {
            map.purpose(purpose).map_err(|e| e.at("/purposes", "names an unknown purpose"))?;
        }
        for category in &self.categories {
            map.category(category).map_err(|e| e.at("/categories", "names an unknown category"))?;
        }
        for (category, fields) in &self.fields {
            let known =
                map.category(category).map_err(|e| e.at("/fields", "names an unknown category"))?;
            if !fields.iter().all(|field| known.fields.contains_key(field)) {
                return Err(Refusal::new(Code::InvalidBody)
                    .at(format!("/fields/{category}"), "names a field that the category lacks"));
            }
        }
        Ok(())
    }
}
