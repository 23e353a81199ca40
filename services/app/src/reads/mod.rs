//! Reading what a purpose may see of many people: of those whom the caller names, and of those for
//! whom the purpose holds. Every answer is bounded and tells of one moment: it is read in one
//! snapshot, in which it is judged for each person whether the purpose holds. Each person's read is
//! in the log before anything is answered.

mod bulk;
mod collect;
mod holders;
mod position;

#[cfg(test)]
mod tests;

pub use bulk::{BulkAnswer, BulkItem, BulkRead, ItemRefusal, read_many};
pub use collect::{OpenedIdentifier, OpenedPerson, OpenedRecord};
pub use holders::{Holders, holders};
pub use position::{HolderPosition, Place};

/// The most people that one call may name.
pub const MAX_ITEMS: usize = 1_000;

/// The most categories that one call may name: as many as a data map has, and the built-in one.
pub const MAX_CATEGORIES: usize = 201;

/// The most records in one answer.
pub const MAX_RECORDS: usize = 1_000;

/// How many bytes of stored values an answer holds before it goes on in the next one: the last
/// record is never cut, so that it may be longer by one record.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
