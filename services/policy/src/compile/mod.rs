//! Compiling: in a child process with bounds of its own, since 150 KB of WebAssembly can cost 4 GiB
//! and 38 seconds; and the cache of what was compiled.

mod cache;
mod child;
mod code;
mod parent;

pub(crate) use cache::Cache;
pub use child::compile_child_main;
pub(crate) use code::{Authentic, deserialize};
pub(crate) use parent::CompileError;
pub use parent::Compiler;
