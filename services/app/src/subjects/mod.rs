//! Subjects: creating them over two databases, finding them, and their identifiers.

pub(crate) mod claims;
mod contact;
mod create;
mod draft;
mod identifiers;
mod read;
mod resolve;
mod resolve_many;

pub use contact::{Contact, contact};
pub(crate) use create::open_identifier;
pub use create::{Created, NewIdentifier, create, ensure};
pub(crate) use create::{Prepared as PreparedIdentifier, prepare_for};
pub(crate) use draft::{Draft, Past};
pub(crate) use identifiers::add_normalised;
pub use identifiers::{Added, add, remove};
pub use read::{Found, IdentifierInfo, get, list, lookup};
pub use resolve::{SubjectSelector, resolve};
pub(crate) use resolve::{is_kept, occupant};
pub(crate) use resolve_many::resolve_many;

#[cfg(test)]
mod tests;
