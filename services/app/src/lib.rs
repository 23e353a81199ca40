//! What Oubli does: use cases, one file each, and the handlers of its jobs. API, worker and
//! command line all call these.
//!
//! A use case is a sequence of steps over `domain` (which rules), `vault` (which keys) and `store`
//! (which rows). Nothing here knows HTTP or SQL; nothing here reads the machine's clock.

pub mod apps;
pub mod auth;
mod caller;
pub mod clients;
mod error;
mod keyring;
mod log;
mod model;
mod once;
mod oubli;
mod read_log;
pub mod records;

mod secrets;
mod settings;
pub mod staff;
#[cfg(test)]
mod testing;
mod standing;
pub mod subjects;

pub use caller::{Actor, Call, Caller};
pub use error::{Error, Result};
pub use model::Model;
pub use once::Once;
pub use oubli::{Databases, Options, Oubli};
pub use settings::Settings;
pub use standing::Checked;
