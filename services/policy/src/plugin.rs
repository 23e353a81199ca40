//! [`Plugin`]: a component that was loaded, and what one run of it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, Instance, InstancePre, Linker};
use wasmtime::{ResourceLimiter, Store, Trap};

use crate::digest::Digest;
use crate::error::{BadOutput, LoadError, RunError, WorldProblem};
use crate::manifest::{Interface, Manifest};
use crate::runtime::{Runtime, TABLE_ELEMENTS};
use crate::wit::exports::oubli::policy::{audit, guard, retention, settings};

/// How much memory a plugin may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Size {
    /// The limit `memory`.
    #[default]
    Usual,
    /// The limit `large_memory`, for guests with an interpreter in them.
    Large,
}

/// A plugin that can be asked. It keeps its engine running; a new revision is a plugin of its own,
/// so what is under way goes on with the one it began with.
pub struct Plugin {
    pub(crate) runtime: Arc<Runtime>,
    pub(crate) exports: Exports,
    pre: InstancePre<Guest>,
    digest: Digest,
    manifest: Manifest,
    size: Size,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugin").field(&self.digest).finish()
    }
}

/// Where the functions of a component are.
pub(crate) struct Exports {
    pub(crate) settings: settings::GuestIndices,
    pub(crate) retention: Option<retention::GuestIndices>,
    pub(crate) guard: Option<guard::GuestIndices>,
    pub(crate) audit: Option<audit::GuestIndices>,
}

impl Plugin {
    /// Makes the plugin of a component, and starts it once to see that it does and that its
    /// functions have the types of the contract.
    pub(crate) fn start(
        runtime: Arc<Runtime>,
        component: &Component,
        digest: Digest,
        manifest: Manifest,
        size: Size,
    ) -> Result<Self, LoadError> {
        let pre = Linker::new(&runtime.engine)
            .instantiate_pre(component)
            .map_err(|_| LoadError::ImportDenied { name: "something".to_owned() })?;
        let exports = Exports::find(&pre, &manifest)?;
        let plugin = Self { runtime, exports, pre, digest, manifest, size };
        let probe = |store: &mut Store<Guest>, instance: &Instance| {
            Ok(plugin.exports.misshapen(store, instance))
        };
        match plugin.run(Time::Chunk, probe) {
            Ok(Run { value: None, .. }) => Ok(plugin),
            Ok(Run { value: Some(interface), .. }) => shape(interface),
            Err(Fault { error: RunError::Memory { .. }, .. }) => Err(LoadError::Resources),
            Err(fault) => Err(LoadError::DoesNotStart(fault.error)),
        }
    }

    /// SHA-256 of its file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// What it says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Runs something in a fresh instance, and drops that.
    pub(crate) fn run<T>(
        &self,
        time: Time,
        call: impl FnOnce(&mut Store<Guest>, &Instance) -> wasmtime::Result<T>,
    ) -> Result<Run<T>, Fault> {
        let runtime = &self.runtime;
        let _place = runtime.places.take();
        let mut store = self.store(time);
        let fault = |started, error: &wasmtime::Error, store: &Store<Guest>| Fault {
            error: self.classify(error, store, time, started),
            started,
        };
        let instance =
            self.pre.instantiate(&mut store).map_err(|error| fault(false, &error, &store))?;
        let value = call(&mut store, &instance).map_err(|error| fault(true, &error, &store))?;
        let fuel =
            if runtime.metered { u64::MAX - store.get_fuel().unwrap_or(u64::MAX) } else { 0 };
        Ok(Run { value, fuel })
    }

    /// The deadline stands before anything of the guest runs: a start function does so at
    /// instantiation.
    fn store(&self, time: Time) -> Store<Guest> {
        let limits = &self.runtime.limits;
        let guest = Guest { memory: self.memory().1, refused: false };
        let mut store = Store::new(&self.runtime.engine, guest);
        store.limiter(|guest| guest);
        store.set_epoch_deadline(Runtime::ticks(self.time(time).1));
        store.set_hostcall_fuel(limits.output);
        if self.runtime.metered {
            // It fails only where fuel is not counted.
            let _ = store.set_fuel(u64::MAX);
        }
        store
    }

    fn memory(&self) -> (&'static str, usize) {
        match self.size {
            Size::Usual => ("memory", self.runtime.limits.memory),
            Size::Large => ("large_memory", self.runtime.limits.large_memory),
        }
    }

    fn time(&self, time: Time) -> (&'static str, Duration) {
        match time {
            Time::Chunk => ("chunk_time", self.runtime.limits.chunk_time),
            Time::Single => ("single_time", self.runtime.limits.single_time),
        }
    }

    /// What an error of the engine means. The engine has no types for errors of lifting: those are
    /// what is not a trap after the start.
    fn classify(
        &self,
        error: &wasmtime::Error,
        store: &Store<Guest>,
        time: Time,
        started: bool,
    ) -> RunError {
        let limits = &self.runtime.limits;
        let refused = store.data().refused;
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => {
                let (limit, value) = self.time(time);
                RunError::Timeout { limit, value }
            }
            Some(Trap::StackOverflow) => RunError::Stack { value: limits.stack },
            _ if refused => {
                let (limit, value) = self.memory();
                RunError::Memory { limit, value }
            }
            None if is_output_limit(error) => RunError::OutputLimit { value: limits.output },
            None if started => RunError::BadOutput(BadOutput::Malformed),
            _ => RunError::Trap,
        }
    }
}

/// The engine's error for hostcall fuel has no public type; a test holds it to this text.
fn is_output_limit(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls"))
}

fn shape<T>(interface: &'static str) -> Result<T, LoadError> {
    Err(LoadError::WrongWorld { interface, problem: WorldProblem::Shape })
}

impl Exports {
    fn find(pre: &InstancePre<Guest>, manifest: &Manifest) -> Result<Self, LoadError> {
        let has = |interface| manifest.has(interface).then_some(());
        Ok(Self {
            settings: settings::GuestIndices::new(pre).or_else(|_| shape("settings"))?,
            retention: has(Interface::Retention)
                .map(|()| retention::GuestIndices::new(pre).or_else(|_| shape("retention")))
                .transpose()?,
            guard: has(Interface::Guard)
                .map(|()| guard::GuestIndices::new(pre).or_else(|_| shape("guard")))
                .transpose()?,
            audit: has(Interface::Audit)
                .map(|()| audit::GuestIndices::new(pre).or_else(|_| shape("audit")))
                .transpose()?,
        })
    }

    /// The first interface whose functions have other types than the contract's.
    fn misshapen(&self, store: &mut Store<Guest>, instance: &Instance) -> Option<&'static str> {
        if self.settings.load(&mut *store, instance).is_err() {
            return Some("settings");
        }
        if self.retention.as_ref().is_some_and(|i| i.load(&mut *store, instance).is_err()) {
            return Some("retention");
        }
        if self.guard.as_ref().is_some_and(|i| i.load(&mut *store, instance).is_err()) {
            return Some("guard");
        }
        self.audit.as_ref().filter(|i| i.load(&mut *store, instance).is_err()).map(|_| "audit")
    }
}

/// Which limit of time a run has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Time {
    Chunk,
    Single,
}

/// What a run gave.
pub(crate) struct Run<T> {
    pub(crate) value: T,
    pub(crate) fuel: u64,
}

/// Why a run failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) error: RunError,
    /// Whether the guest got as far as seeing what it was asked.
    pub(crate) started: bool,
}

/// What the host knows of a guest while it runs: its memory, and whether it asked for more.
pub(crate) struct Guest {
    memory: usize,
    refused: bool,
}

impl ResourceLimiter for Guest {
    fn memory_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.refused |= desired > self.memory;
        Ok(desired <= self.memory)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS)
    }
}
