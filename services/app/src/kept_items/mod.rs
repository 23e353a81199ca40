//! What is kept of records of people who were erased: sealing it, looking at it, reading it on a
//! ground, and its going once nothing keeps it any more. It knows no person: an item names the request
//! of the erasure and who keeps it.

mod read;
mod seal;
mod view;

pub use oubli_store::kept_items::Stored;
pub use read::{ReadItem, read};
pub(crate) use seal::{Sealed, delete_keys, seal};
pub use view::{Filter, list};

#[cfg(test)]
mod tests;
