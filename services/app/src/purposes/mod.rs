//! Purposes: those of the data map in force, where each stands for a person, and the end of a
//! contract's purpose for one person. What a purpose may read is read elsewhere.

mod end;
mod list;
mod standings;

#[cfg(test)]
mod tests;

pub(crate) use end::ImportedEnd;
pub use end::{Ended, end, resume};
pub use list::{PurposeInfo, get, list};
pub use standings::{PurposeStanding, standings};
