//! All SQL: the two databases, their transactions, their rows and the job queue.
//!
//! This is the only crate that sees sqlx. It keeps rows; what they mean is decided in `domain` and
//! in what order they are written in `app`. It never holds a key: what it stores of a person is
//! ciphertext already, and what it is asked to find is a blind index.

mod args;
mod conn;
mod db;
mod error;
pub mod migrate;
mod pg_write;
mod statement;
mod writer;

pub use conn::{Conn, Tx};
pub use db::{Db, Location, WAIT, Work};
pub use error::{MigrationError, Result, StoreError};
pub use migrate::Schema;
