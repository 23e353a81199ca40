//! A real PostgreSQL for tests.
//!
//! Owns the search for a server (a URL, Docker, local binaries, a package), its life, and the
//! creation of databases that no other test sees. Must not know the schema or any other crate of
//! the workspace. Never skips: a test that asks for PostgreSQL gets one or fails with what was
//! tried. `README.md` beside this crate says how to choose the server.

mod apt;
mod cluster;
mod database;
mod docker;
mod find;
mod local;
mod sql;
mod watchdog;

use std::io::Write;
use std::sync::OnceLock;

use anyhow::anyhow;

pub use apt::install_package;
pub use cluster::{Cluster, Stop};
pub use database::{DatabasePair, TestDatabase};
pub use find::{Durability, Server, find_or_start};

/// Names the server to use: a PostgreSQL URL (without TLS) of a role that may create databases.
pub const URL_VARIABLE: &str = "OUBLI_TEST_POSTGRES_URL";

/// Names the container image to use. When it is set, Docker is required.
pub const IMAGE_VARIABLE: &str = "OUBLI_TEST_POSTGRES_IMAGE";

/// Creates an empty database with a name of its own, on the server of this process, which is found
/// or started at the first call. `prefix` begins the name, so that a person sees whose it is.
///
/// # Errors
/// When no server can be had (the error lists what was tried) or it refuses the database.
pub async fn create_database(prefix: &str) -> anyhow::Result<TestDatabase> {
    let server = tokio::task::spawn_blocking(shared_server).await??;
    server.create_database(prefix).await
}

/// Creates the two databases that one installation needs.
///
/// # Errors
/// As [`create_database`].
pub async fn fresh_databases(prefix: &str) -> anyhow::Result<DatabasePair> {
    Ok(DatabasePair {
        data: create_database(&format!("{prefix}_data")).await?,
        keys: create_database(&format!("{prefix}_keys")).await?,
    })
}

/// The one server of this process. Blocks while it starts.
///
/// It is never dropped, as statics are not; its watchdog stops it when the process has gone.
fn shared_server() -> anyhow::Result<&'static Server> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    let start = || -> anyhow::Result<Server> {
        // A runtime of its own: the server outlives the runtime of the test that came first.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(find_or_start(Durability::ThrownAway))
    };
    SERVER
        .get_or_init(|| start().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|tried| anyhow!("{tried}"))
}

/// Tells a person what happens. Written past the test harness, which hides what passing tests
/// print: which engine ran must always be seen.
fn say(text: &str) {
    // A closed stderr is no reason to fail a test.
    let _ = writeln!(std::io::stderr(), "oubli-test-postgres: {text}");
}
