//! The baseline: bare actix-web and sqlx, which answer the requests of the bench with the statements
//! that the service needs at least, and nothing else: no token, no decryption, no log, no checks.
//!
//! It reads the very databases of the service, and writes to one of its own with the same settings.
//! It runs as a process of its own, so that its CPU time and memory can be told.

mod databases;
mod handlers;
mod statements;

use std::io::Write as _;
use std::net::TcpListener;

use actix_web::{App, HttpServer, web};
use anyhow::Context as _;
use clap::Args;

pub(crate) use databases::Databases;

/// Where the baseline finds its databases: SQLite files or PostgreSQL URLs.
#[derive(Args, Debug)]
pub(crate) struct Baseline {
    /// The service's `data`, which is only read.
    #[arg(long)]
    data: String,
    /// The service's `keys`, which is only read.
    #[arg(long)]
    keys: String,
    /// The baseline's own, which gets its tables here.
    #[arg(long)]
    own: String,
    /// Connections of each pool.
    #[arg(long)]
    connections: u32,
}

/// Serves on a free port, whose number is the one line on standard output, until it is killed.
pub(crate) fn serve(baseline: &Baseline) -> anyhow::Result<()> {
    actix_web::rt::System::new().block_on(run(baseline))
}

async fn run(baseline: &Baseline) -> anyhow::Result<()> {
    let Baseline { data, keys, own, connections } = baseline;
    let databases = Databases::open(data, keys, own, *connections).await?;
    let databases = web::Data::new(databases);
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    let port = listener.local_addr()?.port();
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let server = HttpServer::new(move || {
        App::new()
            .app_data(databases.clone())
            .app_data(web::JsonConfig::default().limit(MAX_BODY))
            .app_data(web::PayloadConfig::new(MAX_BODY))
            .configure(handlers::routes)
    })
    .listen(listener)?
    .workers(workers)
    .run();
    writeln!(std::io::stdout(), "{port}")?;
    Ok(server.await?)
}

/// The service's bound on a batch.
const MAX_BODY: usize = 32 * 1024 * 1024;
