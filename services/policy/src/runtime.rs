//! The engine that plugins run on: its configuration, the thread that counts its time, and the
//! places for instances.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{io, thread};

use wasmparser::WasmFeatures;
use wasmtime::{
    Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig,
};

use crate::limits::Limits;

/// How often an engine's time is counted.
const TICK: Duration = Duration::from_millis(10);

/// Core instances of one component: toolchains split a component into a few modules.
const CORE_INSTANCES: u32 = 32;
/// Memories of one component.
const MEMORIES: u32 = 4;
/// Tables of one component.
const TABLES: u32 = 16;
/// Entries of one table: those of an interpreter in a guest are some ten thousand.
pub(crate) const TABLE_ELEMENTS: usize = 100_000;
/// How much of a used memory is wiped and kept instead of given back to the kernel, in bytes.
const KEEP_RESIDENT: usize = 1024 * 1024;

/// What a component may be made of: WebAssembly 2 and what toolchains emit by default beyond it, each
/// of which gives the same result on every machine. No threads, relaxed SIMD, 64-bit memories or garbage collection.
pub(crate) const FEATURES: WasmFeatures = WasmFeatures::WASM2
    .difference(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::TAIL_CALL)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);

/// What cannot be had from the system when the host starts.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine refuses its configuration, or the system its memory.
    #[error("the engine for plugins cannot be made: {0}")]
    Engine(String),
    /// The thread that counts time cannot be started.
    #[error("the thread that bounds the time of plugins cannot be started")]
    Thread(#[source] io::Error),
    /// The directory of compiled code cannot be made or read.
    #[error("the directory of compiled plugins cannot be made or read")]
    Directory(#[source] io::Error),
    /// Others can get at the directory of compiled code.
    #[error(
        "the directory of compiled plugins has mode {mode:03o}; it must be its owner's alone (700)"
    )]
    DirectoryMode {
        /// The lowest nine mode bits that were found.
        mode: u32,
    },
}

/// The configuration that decides what compiled code is; it is the same in the child that compiles.
/// `metered` makes code that counts its fuel.
fn code_config(metered: bool) -> Config {
    let mut config = Config::new();
    config
        .wasm_features(WasmFeatures::all(), false)
        .wasm_features(FEATURES, true)
        .cranelift_nan_canonicalization(true)
        .epoch_interruption(true)
        .consume_fuel(metered);
    config
}

/// An engine that only compiles.
pub(crate) fn compiling_engine(metered: bool) -> wasmtime::Result<Engine> {
    Engine::new(&code_config(metered))
}

/// How instances get their memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Allocation {
    /// From a pool where the kernel can say which pages were written, else on demand.
    #[default]
    Auto,
    /// Mapped for each instance.
    OnDemand,
}

/// The engine, and whether its instances come from a pool.
fn running_engine(
    limits: &Limits,
    metered: bool,
    allocation: Allocation,
) -> Result<(Engine, bool), HostError> {
    let mut config = code_config(metered);
    config.max_wasm_stack(limits.stack);
    if allocation == Allocation::Auto && PoolingAllocationConfig::is_pagemap_scan_available() {
        let mut pooled = config.clone();
        pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(limits)));
        // Where the address space is bounded a pool may not fit; on demand it does.
        if let Ok(engine) = Engine::new(&pooled) {
            return Ok((engine, true));
        }
    }
    let engine = Engine::new(&config).map_err(|error| HostError::Engine(error.to_string()))?;
    Ok((engine, false))
}

fn pool(limits: &Limits) -> PoolingAllocationConfig {
    let places = limits.instances;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(places)
        .total_core_instances(places * CORE_INSTANCES)
        .total_memories(places * MEMORIES)
        .total_tables(places * TABLES)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_tables_per_module(TABLES)
        .max_memory_size(limits.memory.max(limits.large_memory))
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(KEEP_RESIDENT)
        .pagemap_scan(Enabled::Yes);
    pool
}

/// An engine, its clock and its places. Plugins share it; its thread ends with the last of them.
pub(crate) struct Runtime {
    pub(crate) engine: Engine,
    pub(crate) limits: Limits,
    pub(crate) metered: bool,
    pub(crate) pooled: bool,
    pub(crate) places: Places,
    _ticker: Ticker,
}

impl Runtime {
    pub(crate) fn new(
        limits: Limits,
        metered: bool,
        allocation: Allocation,
    ) -> Result<Self, HostError> {
        let (engine, pooled) = running_engine(&limits, metered, allocation)?;
        let ticker = Ticker::start(engine.weak()).map_err(HostError::Thread)?;
        let places = Places::new(limits.instances);
        Ok(Self { engine, limits, metered, pooled, places, _ticker: ticker })
    }

    /// The deadline in ticks from now that lets a guest run at least this long: the tick under way
    /// does not count.
    pub(crate) fn ticks(time: Duration) -> u64 {
        let ticks = time.as_nanos().div_ceil(TICK.as_nanos());
        u64::try_from(ticks).unwrap_or(u64::MAX).saturating_add(1)
    }
}

/// The thread that counts an engine's time.
struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: EngineWeak) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel::<()>();
        let tick = move || {
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                let Some(engine) = engine.upgrade() else { return };
                engine.increment_epoch();
            }
        };
        let thread = thread::Builder::new().name("policy-ticker".to_owned()).spawn(tick)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            // It has nothing that could panic.
            let _ = thread.join();
        }
    }
}

/// As many places as instances may run at once.
pub(crate) struct Places {
    free: Mutex<u32>,
    freed: Condvar,
}

impl Places {
    fn new(count: u32) -> Self {
        Self { free: Mutex::new(count.max(1)), freed: Condvar::new() }
    }

    /// Waits for a place, and holds it until the guard is dropped.
    pub(crate) fn take(&self) -> Place<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free =
            self.freed.wait_while(free, |free| *free == 0).unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Place(self)
    }
}

/// A place that is held.
pub(crate) struct Place<'a>(&'a Places);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.freed.notify_one();
    }
}
