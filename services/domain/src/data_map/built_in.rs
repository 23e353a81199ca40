//! The built-in category, described as the declared ones are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::json;

use super::{Category, Classification, ClockFrom, ClockStart, DataMap, Field, IDENTIFIERS, Origin};
use crate::identifier::IdentifierType;
use crate::ids::Name;

/// It has no duration: identifiers are kept as long as the person is. Its clock start is asked for
/// by nobody, as identifiers are no records.
static BUILT_IN: LazyLock<Category> = LazyLock::new(|| Category {
    title: "Identifiers".to_owned(),
    description: Some("What finds the person.".to_owned()),
    clock_start: ClockStart { from: ClockFrom::LastContact, field: None, end_of: None },
    duration: None,
    fields: IdentifierType::ALL
        .iter()
        .filter_map(|kind| Some((named(*kind)?, field(*kind))))
        .collect(),
});

/// The name of the field that holds identifiers of a type.
fn named(kind: IdentifierType) -> Option<Name> {
    Name::new(kind.as_str()).ok()
}

fn field(kind: IdentifierType) -> Field {
    let (title, classification, origin) = match kind {
        IdentifierType::Email => ("E-mail address", Classification::EmailAddress, Origin::Provided),
        IdentifierType::Phone => ("Phone number", Classification::PhoneNumber, Origin::Provided),
        // The app gives it to the person.
        IdentifierType::ExternalId => ("External id", Classification::Identifier, Origin::Derived),
    };
    Field {
        title: Some(title.to_owned()),
        schema: json!({ "type": "string" }),
        classification,
        origin,
        required: false,
    }
}

impl DataMap {
    /// Whether `category` is the built-in one, and not an app's own of a version older than it.
    #[must_use]
    pub fn is_built_in(&self, category: &Name) -> bool {
        category.as_str() == IDENTIFIERS && !self.categories.contains_key(category)
    }

    /// A category that purposes may read: a declared one or the built-in one.
    #[must_use]
    pub fn category(&self, name: &Name) -> Option<&Category> {
        if self.is_built_in(name) { Some(&BUILT_IN) } else { self.categories.get(name) }
    }

    /// The fields of the built-in category that any purpose reads, by name.
    #[must_use]
    pub fn identifiers_read(&self) -> BTreeMap<&Name, &Field> {
        let reads = self.purposes.values().flat_map(|purpose| &purpose.reads);
        let read: BTreeSet<Name> = reads
            .filter(|(category, _)| self.is_built_in(category))
            .flat_map(|(category, reads)| self.resolve(category, reads))
            .collect();
        BUILT_IN.fields.iter().filter(|(name, _)| read.contains(*name)).collect()
    }
}
