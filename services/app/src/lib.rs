//! What Oubli does: use cases, one file each, and the handlers of its jobs. API, worker and
//! command line all call these.
//!
//! A use case is a sequence of steps over `domain` (which rules), `vault` (which keys) and `store`
//! (which rows). Nothing here knows HTTP or SQL; nothing here reads the machine's clock.

mod app_export;
pub mod apps;
pub mod auth;
mod caller;
pub mod certificate;
pub mod clients;
pub mod consents;
pub mod data_map;
pub mod doctor;
mod erasure;
mod error;
pub mod events;
pub mod export;
pub mod exposure;
pub mod health;
pub mod holds;
mod housekeeping;
pub mod import;
pub mod inspect;
mod janitor;
pub mod journal;
pub mod kept_items;
pub mod key_management;
mod keyring;
pub mod leaving;
mod log;
mod model;
mod node;
pub mod notices;
mod once;
mod oubli;
pub mod purposes;
mod read_log;
mod read_payload;
mod read_retention;
pub mod reads;
pub mod receipt;
pub mod records;
pub mod requests;
mod retry;
mod secrets;
mod settings;
pub mod signed;
pub mod staff;
mod standing;
pub mod subjects;
#[cfg(test)]
mod testing;
mod turns;
mod worker;

pub use app_export::{ExportError, Exported, export_app};
pub use caller::{Actor, Call, Caller};
pub use error::{Error, Result};
pub use model::Model;
pub use once::Once;
pub use oubli::{Databases, Options, Oubli};
pub use settings::Settings;
pub use standing::Checked;
pub use worker::Worker;
