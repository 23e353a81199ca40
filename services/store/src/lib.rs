//! All SQL: the two databases, their transactions, their rows and the job queue.
//!
//! This is the only crate that sees sqlx. It keeps rows; what they mean is decided in `domain` and
//! in what order they are written in `app`. It never holds a key: what it stores of a person is
//! ciphertext already, and what it is asked to find is a blind index.

pub mod apps;
mod args;
pub mod clients;
mod conn;
pub mod data_maps;
mod db;
mod error;
pub mod idempotency;
pub mod jobs;
pub mod migrate;
pub mod notices;
mod pg_write;
pub mod staff;
mod statement;
mod writer;

pub use conn::{Conn, Tx};
pub use db::{Db, Location, WAIT, Work};
pub use error::{MigrationError, Result, StoreError};
pub use migrate::Schema;
