//! Data subject requests: making them, following them, and what an erasure would do. Owns what the
//! caller sees of a request; what its job does stands in `erasure` and `export`. It must not know
//! how a job is leased.

mod create;
mod follow;

pub use create::{Accepted, NewRequest, create};
pub use follow::{Details, certificate, get, list, preview};
pub use oubli_store::exports::Export;
pub use oubli_store::requests::Request;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod world;
