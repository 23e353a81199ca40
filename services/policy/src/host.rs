//! [`Host`]: takes a plugin's file, and gives the [`Plugin`] that runs.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::compile::{self, Cache, CompileError, Compiler};
use crate::digest::Digest;
use crate::error::LoadError;
use crate::inspect::inspect;
use crate::limits::Limits;
use crate::plugin::{Plugin, Size};
use crate::runtime::{Allocation, HostError, Runtime};
use crate::signature::{DetachedSignature, SignatureError, TrustedKey};

/// What a host is made of.
pub struct HostOptions {
    /// What plugins may use.
    pub limits: Limits,
    /// What compiles in a process of its own.
    pub compiler: Compiler,
    /// Where compiled code is kept: a directory of this host alone, made with mode 0700.
    pub cache: PathBuf,
    /// What authenticates compiled code: a random secret of this host alone. Code of another key is
    /// compiled anew.
    pub cache_key: Zeroizing<[u8; 32]>,
    /// How instances get their memory.
    pub allocation: Allocation,
    /// Whether runs count their fuel, a deterministic cost; it makes them slower. For tests and
    /// benches of plugins, not for service.
    pub metered: bool,
}

/// Why a file may be loaded.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// Any file: for development alone.
    Anyone,
    /// A file that a trusted key signed.
    Signed {
        /// What came with the file.
        signature: Option<&'a DetachedSignature>,
        /// The keys that the operator trusts.
        keys: &'a [TrustedKey],
    },
    /// The file of this digest, which was verified before.
    Known(Digest),
}

/// The plugin host: an engine with its clock, its limits, its compiler and its cache.
pub struct Host {
    runtime: Arc<Runtime>,
    compiler: Compiler,
    cache: Cache,
    /// One compilation at a time: each may take gigabytes.
    compiling: Mutex<()>,
}

impl Host {
    /// Starts a host.
    ///
    /// # Errors
    /// [`HostError`].
    pub fn new(options: HostOptions) -> Result<Self, HostError> {
        let HostOptions { limits, compiler, cache, cache_key, allocation, metered } = options;
        let runtime = Runtime::new(limits, metered, allocation)?;
        let cache = Cache::open(&cache, cache_key, &runtime.engine)?;
        Ok(Self { runtime: Arc::new(runtime), compiler, cache, compiling: Mutex::new(()) })
    }

    /// Loads a plugin: checks its size, whom it is from, what it is and what it declares; compiles it
    /// unless that was done; starts it once. Blocks for as long as that takes, up to the limit
    /// `compile_time` for each file that compiles before it.
    ///
    /// # Errors
    /// [`LoadError`]; nothing of the file was run unless it is `DoesNotStart`, `Resources` or
    /// `WrongWorld`.
    pub fn load(&self, file: &[u8], trust: Trust<'_>, size: Size) -> Result<Plugin, LoadError> {
        let limit = self.runtime.limits.component_bytes;
        if file.len() > limit {
            return Err(LoadError::TooLarge { limit });
        }
        let digest = Digest::of(file);
        trust.check(digest)?;
        let manifest = inspect(file)?;
        let code = self.code(digest, file)?;
        let component =
            compile::deserialize(&self.runtime.engine, &code).map_err(|_| LoadError::Resources)?;
        Plugin::start(Arc::clone(&self.runtime), &component, digest, manifest, size)
    }

    /// Whether instances get their memory from a pool, which is faster.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.runtime.pooled
    }

    /// Takes the compiled code of a plugin out of the cache; plugins that are loaded go on.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub fn forget(&self, digest: Digest) -> io::Result<()> {
        self.cache.forget(digest)
    }

    fn code(&self, digest: Digest, file: &[u8]) -> Result<compile::Authentic, LoadError> {
        let _one = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = self.cache.load(digest).map_err(LoadError::Host)? {
            return Ok(code);
        }
        let limits = &self.runtime.limits;
        let code = self
            .compiler
            .compile(file, limits, self.runtime.metered)
            .map_err(|error| load_error(error, limits))?;
        self.cache.keep(digest, code).map_err(LoadError::Host)
    }
}

fn load_error(error: CompileError, limits: &Limits) -> LoadError {
    match error {
        CompileError::Time => {
            LoadError::CompileLimit { limit: "compile_time", value: limits.compile_time.as_secs() }
        }
        CompileError::Memory => {
            LoadError::CompileLimit { limit: "compile_memory", value: limits.compile_memory }
        }
        CompileError::Refused => LoadError::CompilerRefused,
        CompileError::Process(error) => LoadError::Host(error),
    }
}

impl Trust<'_> {
    fn check(self, digest: Digest) -> Result<(), LoadError> {
        match self {
            Trust::Anyone => Ok(()),
            Trust::Known(known) if known == digest => Ok(()),
            Trust::Known(_) => Err(LoadError::DigestMismatch),
            Trust::Signed { signature: None, .. } => Err(LoadError::Unsigned),
            Trust::Signed { signature: Some(signature), keys } => {
                signature.verify(digest, keys).map(|_key| ()).map_err(|error| match error {
                    SignatureError::DigestMismatch => LoadError::DigestMismatch,
                    other => LoadError::Signature(other),
                })
            }
        }
    }
}
