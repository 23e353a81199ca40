//! The command line of the bench.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use crate::baseline::Baseline;
use crate::engine::Engine;
use crate::operations::Operation;
use crate::rivals::Rounds;

const MILLION: u32 = 1_000_000;

/// Measures Oubli against a bare baseline in the same run.
///
/// A quick look at some operations: make bench ARGS="check get --engine sqlite --subjects 2000"
#[derive(Parser, Debug)]
#[command(name = "oubli-bench", args_conflicts_with_subcommands = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) wanted: Wanted,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// The baseline server, which a run starts by itself.
    #[command(hide = true)]
    Baseline(Baseline),
    /// Write page and plots again from a file of results.
    Report {
        /// The file.
        file: PathBuf,
        /// The folder of README.md and plots.
        #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
        into: PathBuf,
    },
}

/// What is to be measured, and how long.
#[derive(Args, Debug)]
pub(crate) struct Wanted {
    /// The operations to measure; all of them, and all else, when none is named.
    pub(crate) operations: Vec<Operation>,
    /// The engines.
    #[arg(long, value_delimiter = ',', default_values = ["sqlite", "postgres"])]
    pub(crate) engine: Vec<Engine>,
    /// How many people the store holds while operations are measured: 100,000 in a whole run, 10,000
    /// otherwise, unless given.
    #[arg(long)]
    subjects: Option<u32>,
    /// Grow to 1,000,000 people.
    #[arg(long, conflicts_with_all = ["operations", "sizes"])]
    full: bool,
    /// The numbers of people to which a store grows in a whole run.
    #[arg(long, value_delimiter = ',', default_values = ["1000", "10000", "100000"])]
    sizes: Vec<u32>,
    /// Where a whole run publishes: the folder of README.md, plots and results; this crate's unless
    /// given.
    #[arg(long, default_value = env!("CARGO_MANIFEST_DIR"))]
    pub(crate) into: PathBuf,
    /// Seconds of each measured round.
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,
    /// Rounds, in which service and baseline take turns; the median counts.
    #[arg(long, default_value_t = 3, value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// The binary that is measured; `oubli` beside this program unless given.
    #[arg(long)]
    pub(crate) oubli: Option<PathBuf>,
}

impl Wanted {
    /// Whether all is measured, which is then published.
    pub(crate) fn is_whole(&self) -> bool {
        self.operations.is_empty()
    }

    /// How many people the store holds while operations are measured.
    pub(crate) fn subjects(&self) -> u32 {
        self.subjects.unwrap_or(if self.is_whole() { 100_000 } else { 10_000 })
    }

    /// To how many people a store grows, step by step.
    pub(crate) fn sizes(&self) -> Vec<u32> {
        self.sizes.iter().copied().chain(self.full.then_some(MILLION)).collect()
    }

    /// How long each operation is measured.
    pub(crate) fn rounds(&self) -> Rounds {
        Rounds { seconds: self.seconds, count: self.rounds }
    }
}
