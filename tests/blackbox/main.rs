//! The service as its callers meet it, on both engines.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accountability;
mod authorisation;
mod bad_input;
mod bulk_consents;
mod canary;
mod concurrency;
mod consents;
mod contract;
mod guides;
mod holds;
mod idempotency;
mod openapi;
mod processes;
mod reads;
mod receipts;
mod records;
mod sample_customers;
mod staff;
mod story;
mod subjects;
mod tokens;
