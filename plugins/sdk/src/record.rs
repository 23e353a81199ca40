//! Views of what the host sent: they borrow the columns and copy nothing.

use crate::bindings::types::{Batch, Context};
use crate::day::Day;

const NO_INDEX: u32 = u32::MAX;

const HELD: u8 = 1;
const RESTRICTED: u8 = 2;
const OBJECTED: u8 = 4;
const NO_BASIS: u8 = 8;

const DECLARED: u8 = 1;
const EMPTY: u8 = 2;

/// One record of a person. It does not say whose, and knows nothing of the person's other records.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    context: &'a Context,
    batch: &'a Batch,
    item: usize,
}

impl<'a> RecordView<'a> {
    /// Every record of a batch, in its order.
    pub(crate) fn all(context: &'a Context, batch: &'a Batch) -> impl Iterator<Item = Self> {
        (0..batch.category.len()).map(move |item| Self { context, batch, item })
    }

    /// Today in the app's time zone: there is no other clock.
    #[must_use]
    pub fn today(self) -> Day {
        Day(self.context.today)
    }

    /// What holds for the whole run: the app, its jurisdiction, the digest of its data map.
    #[must_use]
    pub fn context(self) -> &'a Context {
        self.context
    }

    /// Its category, a name in the data map.
    #[must_use]
    pub fn category(self) -> &'a str {
        string(self.batch, self.batch.category[self.item]).unwrap_or_default()
    }

    /// The day it was created.
    #[must_use]
    pub fn created(self) -> Day {
        Day(self.batch.created[self.item])
    }

    /// The day of the last contact that came from the person; none when none is known.
    #[must_use]
    pub fn last_contact(self) -> Option<Day> {
        Day::from_column(self.batch.last_contact[self.item])
    }

    /// The day the business that it belongs to was closed; none while it is open.
    #[must_use]
    pub fn closed(self) -> Option<Day> {
        Day::from_column(self.batch.closed[self.item])
    }

    /// The day its retention starts to count, as the data map says; none while it is not known.
    #[must_use]
    pub fn clock_start(self) -> Option<Day> {
        Day::from_column(self.batch.clock_start[self.item])
    }

    /// Whether a legal hold of the staff stands on it.
    #[must_use]
    pub fn is_held(self) -> bool {
        self.has(HELD)
    }

    /// Whether the person's data is restricted (Art. 18).
    #[must_use]
    pub fn is_restricted(self) -> bool {
        self.has(RESTRICTED)
    }

    /// Whether the person objected (Art. 21).
    #[must_use]
    pub fn is_objected(self) -> bool {
        self.has(OBJECTED)
    }

    /// Whether no purpose that covers its category holds now.
    #[must_use]
    pub fn has_no_basis(self) -> bool {
        self.has(NO_BASIS)
    }

    /// Its fields, in the order of the batch.
    pub fn fields(self) -> impl Iterator<Item = FieldView<'a>> {
        let start = &self.batch.field_start;
        (start[self.item]..start[self.item + 1])
            .map(move |row| FieldView { batch: self.batch, row })
    }

    /// The field of that name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<FieldView<'a>> {
        self.fields().find(|field| field.name() == name)
    }

    fn has(self, flag: u8) -> bool {
        self.batch.flags[self.item] & flag != 0
    }
}

/// A field of a record.
#[derive(Clone, Copy, Debug)]
pub struct FieldView<'a> {
    batch: &'a Batch,
    row: u32,
}

impl<'a> FieldView<'a> {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'a str {
        string(self.batch, self.batch.field_name[self.place()]).unwrap_or_default()
    }

    /// Its classification, a word of the data map such as `email_address`; none when the data map in
    /// force does not have the field.
    #[must_use]
    pub fn classification(self) -> Option<&'a str> {
        string(self.batch, self.batch.field_class[self.place()])
    }

    /// Whether the data map in force has it.
    #[must_use]
    pub fn is_declared(self) -> bool {
        self.has(DECLARED)
    }

    /// Whether its value was cleared or never set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.has(EMPTY)
    }

    /// Its value as JSON text; none when it is empty, or the manifest does not ask for its kind, or
    /// the operator did not grant it.
    #[must_use]
    pub fn value(self) -> Option<&'a str> {
        let index = *self.batch.field_value.get(self.place())?;
        string(self.batch, index)
    }

    /// Its row in the field columns: how verdicts refer to it.
    pub(crate) fn row(self) -> u32 {
        self.row
    }

    fn has(self, flag: u8) -> bool {
        self.batch.field_flags[self.place()] & flag != 0
    }

    fn place(self) -> usize {
        place(self.row)
    }
}

fn string(batch: &Batch, index: u32) -> Option<&str> {
    (index != NO_INDEX).then(|| batch.strings[place(index)].as_str())
}

/// Guests have 32 bits, and what tests on has more.
fn place(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
