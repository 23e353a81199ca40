//! What is kept of records of people who were erased: sealing it, looking at it, reading it on a
//! ground, and its going once nothing keeps it any more. It knows no person: an item names the request
//! of the erasure and who keeps it.

mod go;
mod read;
mod seal;
mod supplement;
mod view;

pub(crate) use go::{queue, queue_ended, step};
pub use oubli_store::kept_items::Stored;
pub use read::{ReadItem, read};
pub(crate) use seal::{Sealed, delete_keys, seal};
pub use supplement::{Ending, ErasedItem, Issued, Supplement, supplements, verify_supplement};
pub use view::{Filter, list};

#[cfg(test)]
mod tests;
