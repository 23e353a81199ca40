//! Who calls: access tokens of clients and of staff, issued and verified, and what they allow.
//!
//! This folder owns the claims of a token, the check that their owner may still call, and the
//! short memory of tokens that were found good. It must not know HTTP: a handler hands over the
//! text of a token and gets a [`Principal`]. Passwords and sessions are `staff`'s.

mod claims;
pub mod keys;
mod principal;
pub mod schedule;
pub mod token;
mod verified;
mod verify;

pub use oubli_store::staff::users::VisibleApps;
pub use principal::{Principal, Staff};
pub use verify::verify;

pub(crate) use claims::Claims;
pub(crate) use verified::VerifiedTokens;

#[cfg(test)]
mod tests;
