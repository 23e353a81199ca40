//! Records: put, patched and deleted as versions, read for a purpose that holds.
//!
//! A write is prepared first (the current row is read, validated against, encrypted for the next
//! version) and then applied in a transaction that finds the row as it was read, or prepares again.

mod apply;
mod batch;
mod body;
mod history;
mod import;
mod open;
mod prepare;
mod read;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use apply::apply_many;
pub use batch::{BatchItem, BatchResult, MAX_BATCH, put_batch};
pub use history::versions;
pub(crate) use import::{RecordImport, prepare_imports};
pub(crate) use open::{open_fields, open_stored};
pub use oubli_store::record_versions::{Change, Version};
pub use oubli_store::records::RecordKey;
pub(crate) use prepare::Prepared as PreparedRecord;
pub use read::{Read, get};
pub use write::{IfMatch, Written, delete, patch, put};
