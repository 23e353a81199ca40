//! The data map of an app: putting a version in force and reading the versions. What makes a data
//! map valid is the domain's; here is what a new version must not do to the data that is stored.

mod diff;
mod put;
mod read;
mod stored_types;

#[cfg(test)]
pub(crate) mod tests;

pub use diff::{Count, CountedChange, Diff, diff};
pub use put::{Put, put};
pub use read::{DataMapVersion, Info, get, in_force, list};
