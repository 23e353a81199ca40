//! `make bench`: measures the real service against a bare baseline, on both engines, and writes what
//! it found to `README.md`, `plots/` and `results/` beside this crate.
//!
//! It owns the whole run: data, processes, load, figures. It must not reach into the service: it
//! calls the binary and its API, as users do. What errs, times out or is refused fails the run.

mod baseline;
mod cli;
mod engine;
mod fill;
mod growth;
mod load;
mod machine;
mod operations;
mod plots;
mod process;
mod publish;
mod report;
mod requests;
mod results;
mod rivals;
mod run;
mod service;

use std::io::Write as _;

use clap::Parser as _;

/// The service's: ratios are to compare what it does, not how memory is handed out.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let cli = cli::Cli::parse();
    match &cli.command {
        Some(cli::Command::Baseline(baseline)) => baseline::serve(baseline),
        Some(cli::Command::Report { file, into }) => publish::again(file, into),
        None => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(run::run(&cli.wanted))
        }
    }
}

/// Tells a person how far the run is.
fn say(text: &str) {
    // A closed stderr is no reason to stop measuring.
    let _ = writeln!(std::io::stderr(), "bench: {text}");
}
