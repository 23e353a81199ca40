//! The contract of the store, run on both engines by the same suite.

mod apps;
mod catalog;
mod clients;
mod common;
mod connections;
mod data_maps;
mod describe;
mod events;
mod idempotency;
mod inserts;
mod jobs;
mod keys;
mod look;
mod many;
mod migrations;
mod notices;
mod schema;
mod seen;
mod staff;
mod subjects;
mod writes;
