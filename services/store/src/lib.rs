//! All SQL: the two databases, their transactions, their rows and the job queue.
//!
//! This is the only crate that sees sqlx. It keeps rows; what they mean is decided in `domain` and
//! in what order they are written in `app`. It never holds a key: what it stores of a person is
//! ciphertext already, and what it is asked to find is a blind index.

pub mod app_deletions;
pub mod app_tables;
pub mod apps;
mod args;
pub mod certificates;
pub mod claims;
pub mod clients;
mod conn;
mod connections;
pub mod consents;
pub mod data_maps;
mod db;
pub mod doctor;
pub mod erasure;
mod error;
pub mod events;
pub mod exports;
pub mod exposure;
pub mod holds;
pub mod idempotency;
pub mod identifiers;
pub mod imported_lines;
mod inserts;
pub mod jobs;
pub mod kept_items;
pub mod keys;
mod lists;
mod measures;
pub mod migrate;
pub mod notices;
mod pg_write;
pub mod purpose_ends;
pub mod record_puts;
pub mod record_versions;
pub mod records;
pub mod requests;
pub mod schema_list;
mod scrub;
pub mod seen;
pub mod staff;
mod statement;
pub mod subjects;
#[doc(hidden)]
pub mod testing;
mod writer;
#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod writer_tests;

pub use conn::{Conn, Tx};
pub use db::{Db, Location, WAIT, Work};
pub use error::{MigrationError, Result, StoreError};
pub use measures::Measure;
pub use migrate::Schema;
