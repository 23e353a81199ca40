//! What an erasure keeps, who may read it, that nothing else is left, and that it goes in the end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod going;
mod keeping;
