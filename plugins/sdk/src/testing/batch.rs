//! Records as people write them, and the columns that are made of them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Batch, Day};

/// A record of a case.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Record {
    /// Its category.
    pub category: String,
    /// The day it was created.
    pub created: Day,
    /// The day of the last contact that came from the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<Day>,
    /// The day the business that it belongs to was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Day>,
    /// The day its retention starts to count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_start: Option<Day>,
    /// What else holds of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// Its fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// What holds of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flag {
    /// A legal hold stands on it.
    Held,
    /// The person's data is restricted.
    Restricted,
    /// The person objected.
    Objected,
    /// No purpose that covers its category holds now.
    NoBasis,
}

impl Flag {
    fn bit(self) -> u8 {
        match self {
            Self::Held => 1,
            Self::Restricted => 2,
            Self::Objected => 4,
            Self::NoBasis => 8,
        }
    }
}

/// A field of a record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its classification; none when the data map does not have the field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Whether its value was cleared or never set.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty: bool,
    /// Its value, when it was granted; only in a file whose `values` is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// The columns of these records; with the column of values when they were granted.
#[must_use]
pub fn batch(records: &[Record], with_values: bool) -> Batch {
    let mut builder = Builder::default();
    for record in records {
        builder.record(record, with_values);
    }
    builder.finish(records)
}

#[derive(Default)]
struct Builder {
    strings: Vec<String>,
    known: HashMap<String, u32>,
    category: Vec<u32>,
    field_start: Vec<u32>,
    field_name: Vec<u32>,
    field_class: Vec<u32>,
    field_flags: Vec<u8>,
    field_value: Vec<u32>,
}

impl Builder {
    fn record(&mut self, record: &Record, with_values: bool) {
        let category = self.intern(&record.category);
        self.category.push(category);
        self.field_start.push(number(self.field_name.len()));
        for field in &record.fields {
            let name = self.intern(&field.name);
            let class = field.class.as_ref().map_or(u32::MAX, |class| self.intern(class));
            self.field_name.push(name);
            self.field_class.push(class);
            self.field_flags.push(u8::from(field.class.is_some()) | u8::from(field.empty) << 1);
            if with_values {
                let value = field.value.as_ref().map(ToString::to_string);
                let value = value.map_or(u32::MAX, |text| self.intern(&text));
                self.field_value.push(value);
            }
        }
    }

    fn finish(mut self, records: &[Record]) -> Batch {
        self.field_start.push(number(self.field_name.len()));
        let days = |of: fn(&Record) -> Option<Day>| {
            records.iter().map(|record| Day::to_column(of(record))).collect()
        };
        let flags = |record: &Record| record.flags.iter().fold(0, |bits, flag| bits | flag.bit());
        Batch {
            strings: self.strings,
            category: self.category,
            created: days(|record| Some(record.created)),
            last_contact: days(|record| record.last_contact),
            closed: days(|record| record.closed),
            clock_start: days(|record| record.clock_start),
            flags: records.iter().map(flags).collect(),
            field_start: self.field_start,
            field_name: self.field_name,
            field_class: self.field_class,
            field_flags: self.field_flags,
            field_value: self.field_value,
        }
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        let index = number(self.strings.len());
        self.strings.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        index
    }
}

fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
