//! The harness of the black-box tests: a running service on either engine, and callers for it.
//!
//! It boots the production wiring on port 0 and speaks HTTP to it. It must not reach into the
//! service but for what has no endpoint (making the first admin).
#![expect(clippy::missing_panics_doc, reason = "all of it fails a test by panicking")]

mod bundle;
mod caller;
mod fixture;
mod operations;
pub mod raw;
mod server;
mod steps;
mod wait;

pub use bundle::Bundle;
pub use caller::{Caller, Reply};
pub use fixture::{data_map, merge};
pub use operations::{Document, Operation};
pub use server::{Engine, PASSWORD, TestServer};
pub use wait::eventually;

/// Makes a test for each engine of an async function that takes an [`Engine`].
#[macro_export]
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($engine:ident: Engine) $body:block)*) => {
        $(mod $name {
            use super::*;

            $(#[$meta])*
            async fn run($engine: $crate::Engine) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                run($crate::Engine::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                run($crate::Engine::Postgres).await;
            }
        })*
    };
}
