//! The service as its callers meet it, on both engines.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod story;
