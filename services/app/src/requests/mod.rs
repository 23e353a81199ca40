//! Data subject requests: making them, following them, and what an erasure would do. Owns what the
//! caller sees of a request; what its job does stands in `erasure` and `export`. It must not know
//! how a job is leased.

mod create;
mod follow;

pub use create::{Accepted, NewRequest, create};
pub use follow::{Details, certificate, get, list, preview};
