//! The one place with unsafe code: compiled code becomes part of this process.
#![allow(unsafe_code, reason = "compiled code can only be loaded so; see `deserialize`")]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Code that this host's own compiler made: [`super::cache::Cache`] alone gives it, after the child
/// wrote it or its MAC was verified.
pub(crate) struct Authentic(Vec<u8>);

impl Authentic {
    pub(super) fn verified(code: Vec<u8>) -> Self {
        Self(code)
    }
}

/// Loads compiled code.
///
/// # Errors
/// The engine's, when the code needs more than its limits give.
pub(crate) fn deserialize(engine: &Engine, code: &Authentic) -> wasmtime::Result<Component> {
    // SAFETY: the bytes were made by `Engine::precompile_component` of this program: an `Authentic`
    // is made only of what our own child wrote to its pipe, or of a file whose MAC, under a key that
    // only this host has, covers the plugin, the engine and every byte.
    unsafe { Component::deserialize(engine, &code.0) }
}
