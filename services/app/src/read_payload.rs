//! What the event of a read says: one form for every read of personal data, so that whoever tells a
//! person who read what (Art. 15) reads one form.
//!
//! ```json
//! { "purpose": "newsletter", "fields": { "profile": ["email", "name"] }, "record": "main" }
//! ```
//!
//! Events of the kind [`READ`] and [`REFUSED`] carry it.

use std::collections::{BTreeMap, BTreeSet};

use oubli_domain::data_map::FieldSet;
use oubli_domain::{Name, RecordId};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Error, Result};

/// The kind of event of a read that was answered.
pub(crate) const READ: &str = "record.read";
/// The kind of event of a read that was refused. Its reason code says why.
pub(crate) const REFUSED: &str = "record.read_refused";

/// The kind of event of a read of consents.
pub(crate) const CONSENT: &str = "consent.read";
/// The kind of event of a download that was handed out.
pub(crate) const HANDED_OUT: &str = "download.issued";
/// The kind of event of an export of a whole app. It is about nobody in particular.
pub(crate) const APP_EXPORT: &str = "app.export";

/// The kinds of events whose payloads say what was read of a person.
pub(crate) const READS: [&str; 4] = [READ, REFUSED, CONSENT, HANDED_OUT];

/// For what purpose which fields of a person were read. It holds names, never values.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(from = "Stored")]
pub(crate) struct ReadPayload {
    /// The purpose that the caller named.
    pub(crate) purpose: Name,
    /// The fields whose values were read, by category; the types of identifiers stand under
    /// `identifiers`. Of a refused read: the categories that were asked for, without fields.
    pub(crate) fields: FieldSet,
    /// The record, where one alone was asked for.
    pub(crate) record: Option<RecordId>,
}

impl ReadPayload {
    /// A read for `purpose` of these fields.
    pub(crate) fn new(purpose: &Name, fields: FieldSet) -> Self {
        Self { purpose: purpose.clone(), fields, record: None }
    }

    /// What was refused: these categories, of which nothing was read.
    pub(crate) fn refused<'c>(
        purpose: &Name,
        categories: impl IntoIterator<Item = &'c Name>,
    ) -> Self {
        let none = |category: &Name| (category.clone(), BTreeSet::new());
        Self::new(purpose, categories.into_iter().map(none).collect())
    }

    /// The same of one record.
    pub(crate) fn of_record(mut self, record: &RecordId) -> Self {
        self.record = Some(record.clone());
        self
    }

    /// Reads the payload of a stored event.
    ///
    /// # Errors
    /// When it is none of a read.
    pub(crate) fn parse(stored: &str) -> Result<Self> {
        serde_json::from_str(stored).map_err(|_| Error::Damaged("event_payloads.payload"))
    }

    /// As the payload of an event.
    pub(crate) fn to_value(&self) -> Value {
        let mut value = json!({ "purpose": self.purpose, "fields": self.fields });
        if let Some(record) = &self.record {
            value["record"] = json!(record);
        }
        value
    }
}

/// As it is stored; the first events named one category beside a list of its fields.
#[derive(Deserialize)]
struct Stored {
    purpose: Name,
    category: Option<Name>,
    fields: StoredFields,
    record: Option<RecordId>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StoredFields {
    ByCategory(FieldSet),
    OfOne(BTreeSet<Name>),
}

impl From<Stored> for ReadPayload {
    fn from(stored: Stored) -> Self {
        let fields = match stored.fields {
            StoredFields::ByCategory(fields) => fields,
            StoredFields::OfOne(names) => stored
                .category
                .map(|category| (category, names))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
        };
        Self { purpose: stored.purpose, fields, record: stored.record }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::{Name, RecordId};

    use super::ReadPayload;

    #[test]
    fn what_is_written_is_read_and_so_is_the_first_form() {
        let name = |text: &str| Name::new(text).unwrap();
        let fields = [(name("profile"), [name("email")].into())].into();
        let record = RecordId::new("main").unwrap();
        let payload = ReadPayload::new(&name("newsletter"), fields).of_record(&record);
        let written = r#"{"fields":{"profile":["email"]},"purpose":"newsletter","record":"main"}"#;
        assert_eq!(oubli_domain::json::canonical(&payload.to_value()), written);
        assert_eq!(ReadPayload::parse(written).unwrap(), payload);
        let first =
            r#"{"category":"profile","fields":["email"],"purpose":"newsletter","record":"main"}"#;
        assert_eq!(ReadPayload::parse(first).unwrap(), payload);
        assert!(ReadPayload::parse(r#"{"view":"state"}"#).is_err());
    }
}
