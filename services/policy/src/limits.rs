//! [`Limits`]: what a plugin may use. Each error that a limit causes names it and its value.

use std::time::Duration;

const MIB: usize = 1024 * 1024;

/// What a plugin may use. The defaults are those of the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The largest component file, in bytes: 32 MiB.
    pub component_bytes: usize,
    /// The longest that compiling one may take: 60 s.
    pub compile_time: Duration,
    /// The most memory that compiling one may take, in bytes: 2 GiB.
    pub compile_memory: u64,
    /// The largest memory of a guest, in bytes: 64 MiB.
    pub memory: usize,
    /// The same for a guest that the operator lets be large, in bytes: 256 MiB.
    pub large_memory: usize,
    /// The longest that a chunk, or a check of settings, may take: 1 s. It counts in ticks of 10 ms, and may take two more.
    pub chunk_time: Duration,
    /// The longest that a batch of a single item may take: 20 ms, counted likewise.
    pub single_time: Duration,
    /// The most that a guest may give back of a chunk, in bytes of the host's memory: 16 MiB.
    pub output: usize,
    /// The largest stack of a guest, in bytes: 512 KiB.
    pub stack: usize,
    /// The most items of a chunk: 4,096, which is also the most that the contract allows.
    pub chunk_items: usize,
    /// The most text of a chunk, in bytes, unless one item has more: 8 MiB.
    pub chunk_text: usize,
    /// After this many failed runs in a sweep the policy is failing: 64.
    pub failed_runs: u32,
    /// How many instances may run at once; others wait for a place: 8.
    pub instances: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            component_bytes: 32 * MIB,
            compile_time: Duration::from_mins(1),
            compile_memory: 2 * 1024 * 1024 * 1024,
            memory: 64 * MIB,
            large_memory: 256 * MIB,
            chunk_time: Duration::from_secs(1),
            single_time: Duration::from_millis(20),
            output: 16 * MIB,
            stack: 512 * 1024,
            chunk_items: MAX_CHUNK_ITEMS,
            chunk_text: 8 * MIB,
            failed_runs: 64,
            instances: 8,
        }
    }
}

/// The most items of a batch that a guest ever sees, as `types.wit` says.
pub(crate) const MAX_CHUNK_ITEMS: usize = 4_096;
