//! The host against guests that are made here: well-behaved ones in Rust, hostile ones as text.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cache;
mod fixtures;
mod load;
mod meanwhile;
mod run;
mod rust_guest;
mod settings;
