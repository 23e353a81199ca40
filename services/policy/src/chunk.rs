//! Chunks: what of a batch one guest instance sees, with a dictionary of its own.

use std::ops::Range;

use crate::batch::{Batch, NO_INDEX};
use crate::limits::{Limits, MAX_CHUNK_ITEMS};
use crate::wit::oubli::policy::types;

/// Items of a batch, as the guest gets them.
pub(crate) struct Chunk<'a> {
    pub(crate) batch: &'a Batch,
    pub(crate) items: Range<usize>,
    strings: Vec<&'a str>,
    category: Vec<u32>,
    field_start: Vec<u32>,
    field_name: Vec<u32>,
    field_class: Vec<u32>,
    field_value: Vec<u32>,
}

impl<'a> Chunk<'a> {
    pub(crate) fn of(batch: &'a Batch, items: Range<usize>) -> Self {
        let fields = batch.field_start[items.start]..batch.field_start[items.end];
        let mut dictionary = Dictionary::of(batch);
        let category = dictionary.map(&batch.category[items.clone()]);
        let field_name = dictionary.map(&batch.field_name[fields.clone()]);
        let field_class = dictionary.map(&batch.field_class[fields.clone()]);
        let values = if batch.has_values() { fields.clone() } else { 0..0 };
        let field_value = dictionary.map(&batch.field_value[values]);
        let starts = &batch.field_start[items.start..=items.end];
        // A chunk has at most 4,096 items of a few hundred fields.
        let start = |row: &usize| u32::try_from(row - fields.start).unwrap_or(NO_INDEX);
        let field_start = starts.iter().map(start).collect();
        let strings = dictionary.strings;
        Self { batch, items, strings, category, field_start, field_name, field_class, field_value }
    }

    /// The rows of the batch's field columns that the chunk has.
    pub(crate) fn fields(&self) -> Range<usize> {
        self.batch.field_start[self.items.start]..self.batch.field_start[self.items.end]
    }

    /// The columns as they are lowered into the guest.
    pub(crate) fn columns(&self) -> types::Batch<'_> {
        let items = self.items.clone();
        types::Batch {
            strings: &self.strings,
            category: &self.category,
            created: &self.batch.created[items.clone()],
            last_contact: &self.batch.last_contact[items.clone()],
            closed: &self.batch.closed[items.clone()],
            clock_start: &self.batch.clock_start[items.clone()],
            flags: &self.batch.flags[items],
            field_start: &self.field_start,
            field_name: &self.field_name,
            field_class: &self.field_class,
            field_flags: &self.batch.field_flags[self.fields()],
            field_value: &self.field_value,
        }
    }
}

/// Gives the strings that a chunk uses indexes of its own, in the order in which it meets them.
struct Dictionary<'a> {
    batch: &'a Batch,
    strings: Vec<&'a str>,
    /// By index in the batch.
    given: Vec<u32>,
}

impl<'a> Dictionary<'a> {
    fn of(batch: &'a Batch) -> Self {
        Self { batch, strings: Vec::new(), given: vec![NO_INDEX; batch.strings.len()] }
    }

    fn map(&mut self, column: &[u32]) -> Vec<u32> {
        column.iter().map(|index| self.index(*index)).collect()
    }

    fn index(&mut self, index: u32) -> u32 {
        let Some(text) = self.batch.string(index) else { return NO_INDEX };
        let given = &mut self.given[index as usize];
        if *given == NO_INDEX {
            *given = u32::try_from(self.strings.len()).unwrap_or(NO_INDEX);
            self.strings.push(text);
        }
        *given
    }
}

/// Cuts a batch into chunks by the limits' number of items and bytes of text. An empty batch is one
/// empty chunk.
pub(crate) fn cut(batch: &Batch, limits: &Limits) -> Vec<Range<usize>> {
    let most = limits.chunk_items.clamp(1, MAX_CHUNK_ITEMS);
    let (mut chunks, mut start, mut text) = (Vec::new(), 0, 0usize);
    for item in 0..batch.len() {
        let bytes = text_of(batch, item);
        let full = item - start == most || text.saturating_add(bytes) > limits.chunk_text;
        if full && item > start {
            chunks.push(start..item);
            (start, text) = (item, 0);
        }
        text = text.saturating_add(bytes);
    }
    chunks.push(start..batch.len());
    chunks
}

/// The bytes of the values of an item: all other strings are few and short.
fn text_of(batch: &Batch, item: usize) -> usize {
    let rows = if batch.has_values() { batch.fields_of(item) } else { 0..0 };
    let values = batch.field_value[rows].iter();
    values.filter_map(|value| batch.string(*value)).map(|text| text.len()).sum()
}

#[cfg(test)]
mod tests {
    use oubli_domain::Day;
    use oubli_domain::data_map::Classification;

    use super::{Chunk, cut};
    use crate::batch::{Batch, Field, Item, ItemFlags, NO_DAY, NO_INDEX};
    use crate::limits::Limits;

    fn batch(items: i32) -> Batch {
        let mut batch = Batch::with_values();
        for n in 0..items {
            let category = format!("category{n}");
            let item = Item {
                category: &category,
                created: Day(n),
                last_contact: Some(Day(n + 1)),
                closed: None,
                clock_start: Some(Day(n + 2)),
                flags: ItemFlags { restricted: n % 2 == 1, no_basis: true, ..ItemFlags::default() },
            };
            let (name, value) = (format!("name{n}"), format!("value{n}"));
            let declared = Field {
                name: &name,
                classification: Some(Classification::Age),
                empty: false,
                value: Some(&value),
            };
            let undeclared = Field { classification: None, empty: true, value: None, ..declared };
            batch.push(item, [declared, undeclared]);
        }
        batch
    }

    #[test]
    fn columns_say_of_a_chunk_what_the_batch_says() {
        let batch = batch(5);
        let chunk = Chunk::of(&batch, 3..5);
        let columns = chunk.columns();
        let texts = |column: &[u32]| -> Vec<_> {
            column.iter().map(|i| columns.strings.get(*i as usize).copied()).collect()
        };
        assert_eq!(texts(columns.category), [Some("category3"), Some("category4")]);
        let names = [Some("name3"), Some("name3"), Some("name4"), Some("name4")];
        assert_eq!(texts(columns.field_name), names);
        assert_eq!(texts(columns.field_class), [Some("age"), None, Some("age"), None]);
        assert_eq!(texts(columns.field_value), [Some("value3"), None, Some("value4"), None]);
        assert_eq!(columns.field_class[1], NO_INDEX);
        assert_eq!(columns.strings.len(), 7);
        assert_eq!((columns.created, columns.last_contact), ([3, 4].as_slice(), [4, 5].as_slice()));
        assert_eq!(columns.clock_start, [5, 6]);
        assert_eq!(columns.closed, [NO_DAY, NO_DAY]);
        assert_eq!(
            (columns.flags, columns.field_flags),
            ([10, 8].as_slice(), [1, 2, 1, 2].as_slice())
        );
        assert_eq!(columns.field_start, [0, 2, 4]);
    }

    #[test]
    fn chunks_are_bounded_in_items_and_text_and_leave_none_out() {
        let limits =
            |chunk_items, chunk_text| Limits { chunk_items, chunk_text, ..Limits::default() };
        let usual = cut(&batch(5_000), &Limits::default());
        assert_eq!(usual, [0..4_096, 4_096..5_000]);
        assert_eq!(cut(&batch(5_000), &limits(9_999, usize::MAX)), usual);
        assert_eq!(cut(&batch(5), &limits(2, usize::MAX)), [0..2, 2..4, 4..5]);
        // Each value has six bytes; one that is longer than the limit is alone.
        assert_eq!(cut(&batch(5), &limits(100, 12)), [0..2, 2..4, 4..5]);
        assert_eq!(cut(&batch(3), &limits(100, 5)), [0..1, 1..2, 2..3]);
        let empty = cut(&Batch::new(), &Limits::default());
        assert_eq!((empty.len(), empty.first()), (1, Some(&(0..0))));
    }
}
