//! What an erasure keeps, who may read it, and that nothing else is left.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod keeping;
