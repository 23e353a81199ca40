//! [`Batch`]: the items that a policy is asked about, as columns that the host owns, and [`Context`].

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use oubli_domain::data_map::Classification;
use oubli_domain::{AppId, Day};
use zeroize::Zeroize;

/// What holds for a whole sweep.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Context {
    /// Today in the app's time zone.
    pub today: Day,
    /// The app.
    pub app: AppId,
    /// Country, or country and region (ISO 3166); empty when the data map names none.
    pub jurisdiction: String,
    /// SHA-256 of the data map in force, as canonical JSON.
    pub data_map: [u8; 32],
}

/// What an audit gets besides: what the app declares, and how its consents stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Declared {
    /// The data map in force as canonical JSON.
    pub data_map: String,
    /// Its purposes.
    pub purposes: Vec<PurposeConsents>,
}

/// How the consents to a purpose stand, of all persons of the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurposeConsents {
    /// Its name in the data map.
    pub name: String,
    /// Those that hold now.
    pub live: u32,
    /// Of those, the ones under an older version of the notice.
    pub older_notice: u32,
    /// The day the oldest that holds was given.
    pub oldest_grant: Option<Day>,
}

/// One record, as it is pushed into a batch.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Its category.
    pub category: &'a str,
    /// The day it was created.
    pub created: Day,
    /// The day of the last contact that came from the person.
    pub last_contact: Option<Day>,
    /// The day the business that it belongs to was closed.
    pub closed: Option<Day>,
    /// The day its retention starts to count.
    pub clock_start: Option<Day>,
    /// What else holds of it.
    pub flags: ItemFlags,
}

/// What holds of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each holds or not, by itself")]
pub struct ItemFlags {
    /// A legal hold stands on it.
    pub held: bool,
    /// The person's data is restricted (Art. 18).
    pub restricted: bool,
    /// The person objected (Art. 21).
    pub objected: bool,
    /// No purpose that covers its category holds now.
    pub no_basis: bool,
}

impl ItemFlags {
    fn bits(self) -> u8 {
        u8::from(self.held)
            | u8::from(self.restricted) << 1
            | u8::from(self.objected) << 2
            | u8::from(self.no_basis) << 3
    }
}

/// A field of an item, as it is pushed into a batch.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its classification; none when the data map in force does not have the field.
    pub classification: Option<Classification>,
    /// Whether its value was cleared or never set.
    pub empty: bool,
    /// Its value as JSON text: only when the batch is one with values, and this one was granted.
    pub value: Option<&'a str>,
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Stands for no entry of a dictionary.
pub(crate) const NO_INDEX: u32 = u32::MAX;
/// Stands for no day.
pub(crate) const NO_DAY: i32 = i32::MIN;

const DECLARED: u8 = 1;
const EMPTY: u8 = 2;

/// Items as columns; any number of them. They are cut into chunks for the guest.
pub struct Batch {
    pub(crate) strings: Vec<Arc<str>>,
    pub(crate) category: Vec<u32>,
    pub(crate) created: Vec<i32>,
    pub(crate) last_contact: Vec<i32>,
    pub(crate) closed: Vec<i32>,
    pub(crate) clock_start: Vec<i32>,
    pub(crate) flags: Vec<u8>,
    pub(crate) field_start: Vec<usize>,
    pub(crate) field_name: Vec<u32>,
    pub(crate) field_class: Vec<u32>,
    pub(crate) field_flags: Vec<u8>,
    pub(crate) field_value: Vec<u32>,
    known: HashMap<Arc<str>, u32>,
    with_values: bool,
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("items", &self.len()).finish_non_exhaustive()
    }
}

/// Values are personal data, so their memory is overwritten.
impl Drop for Batch {
    fn drop(&mut self) {
        self.known.clear();
        if self.with_values {
            self.strings.iter_mut().filter_map(Arc::get_mut).for_each(Zeroize::zeroize);
        }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Batch {
    /// An empty batch without values: those that fields come with are left out.
    #[must_use]
    pub fn new() -> Self {
        Self {
            strings: Vec::new(),
            category: Vec::new(),
            created: Vec::new(),
            last_contact: Vec::new(),
            closed: Vec::new(),
            clock_start: Vec::new(),
            flags: Vec::new(),
            field_start: vec![0],
            field_name: Vec::new(),
            field_class: Vec::new(),
            field_flags: Vec::new(),
            field_value: Vec::new(),
            known: HashMap::new(),
            with_values: false,
        }
    }

    /// An empty batch whose fields may come with values: only when the manifest asks for them and the
    /// operator granted it. No text of the plugin comes back of it.
    #[must_use]
    pub fn with_values() -> Self {
        let mut batch = Self::new();
        batch.with_values = true;
        batch
    }

    /// The number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.category.len()
    }

    /// Whether there is no item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.category.is_empty()
    }

    /// Whether values were granted.
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.with_values
    }

    /// Adds an item and its fields.
    pub fn push<'a>(&mut self, item: Item<'_>, fields: impl IntoIterator<Item = Field<'a>>) {
        let category = self.intern(item.category);
        self.category.push(category);
        self.created.push(item.created.0);
        self.last_contact.push(day(item.last_contact));
        self.closed.push(day(item.closed));
        self.clock_start.push(day(item.clock_start));
        self.flags.push(item.flags.bits());
        for field in fields {
            self.push_field(field);
        }
        self.field_start.push(self.field_name.len());
    }

    fn push_field(&mut self, field: Field<'_>) {
        let name = self.intern(field.name);
        let class = field.classification.map_or(NO_INDEX, |class| self.intern(class.as_str()));
        let declared = if field.classification.is_some() { DECLARED } else { 0 };
        let empty = if field.empty { EMPTY } else { 0 };
        self.field_name.push(name);
        self.field_class.push(class);
        self.field_flags.push(declared | empty);
        if self.with_values {
            let value = field.value.map_or(NO_INDEX, |value| self.intern(value));
            self.field_value.push(value);
        }
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        // More strings than a u32 counts do not fit into memory; they would end up as no string.
        let index = u32::try_from(self.strings.len()).unwrap_or(NO_INDEX);
        let text: Arc<str> = text.into();
        self.strings.push(Arc::clone(&text));
        self.known.insert(text, index);
        index
    }

    /// The string of an index.
    pub(crate) fn string(&self, index: u32) -> Option<&Arc<str>> {
        usize::try_from(index).ok().and_then(|index| self.strings.get(index))
    }

    /// The rows of the field columns that are an item's.
    pub(crate) fn fields_of(&self, item: usize) -> Range<usize> {
        self.field_start[item]..self.field_start[item + 1]
    }
}

pub(crate) fn day(day: Option<Day>) -> i32 {
    day.map_or(NO_DAY, |day| day.0)
}
