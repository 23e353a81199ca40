//! Makes the file of a policy: a component with its manifest in it. Owns the form of `policy.toml`, what
//! cargo is asked for, and the template of a new policy. It runs nothing of what it makes, and no part of
//! a running service uses it.
//!
//! ```text
//! policy.toml, settings.schema.json -> manifest    ─┐
//! cargo build, wasm32-unknown-unknown -> component ─┴-> one file, inspected as the host will
//! ```

mod cargo;
mod component;
mod manifest;
pub mod template;

use std::io;
use std::path::{Path, PathBuf};

use oubli_policy::manifest::{ManifestError, embed};
use oubli_policy::{LoadError, Manifest, inspect};

pub use cargo::Options;
pub use component::component;
pub use manifest::manifest;

/// The file of a policy.
#[derive(Clone, PartialEq, Debug)]
pub struct Built {
    /// The component, with its manifest in it.
    pub file: Vec<u8>,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// Why no file was made.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file cannot be read or written.
    #[error("{path}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `policy.toml` is no TOML.
    #[error("{path} is not TOML")]
    Toml {
        /// Which.
        path: PathBuf,
        /// Why.
        source: Box<toml_edit::de::Error>,
    },
    /// `settings-schema` in `policy.toml` does not name a file of JSON.
    #[error("`settings-schema` in policy.toml must name a file of JSON in the policy's folder")]
    SettingsSchema,
    /// The manifest breaks its form or a bound.
    #[error("policy.toml: {0}")]
    Manifest(#[source] ManifestError),
    /// Cargo cannot be started.
    #[error("cargo cannot be started")]
    Cargo(#[source] io::Error),
    /// Cargo failed; it said why on standard error.
    #[error("cargo failed; is the target there? rustup target add {}", cargo::TARGET)]
    Compile,
    /// The crate is no `cdylib`.
    #[error("the crate makes no WebAssembly: its Cargo.toml needs [lib] crate-type = [\"cdylib\"]")]
    NoModule,
    /// The code needs functions of the host, and there are none.
    #[error("the code imports functions, and a policy may import none: {}", .0.join(", "))]
    Imports(Vec<String>),
    /// The module cannot be made a component.
    #[error("the module cannot be made a component: {0}")]
    Component(String),
    /// The host would refuse the file.
    #[error("the host would refuse the file: {0}")]
    Refused(#[source] LoadError),
}

/// Builds the policy in a folder that holds its `Cargo.toml` and `policy.toml`.
///
/// # Errors
/// [`BuildError`]; nothing is written but to cargo's target directory.
pub fn build(folder: &Path, options: &Options<'_>) -> Result<Built, BuildError> {
    // What is quickly seen to be wrong comes before what takes long.
    let manifest = manifest(folder)?;
    let module = cargo::compile(folder, options)?;
    let file = embed(&component(&module)?, &manifest).map_err(BuildError::Manifest)?;
    let manifest = inspect(&file).map_err(BuildError::Refused)?;
    Ok(Built { file, manifest })
}

/// Reads a file, and says which when it cannot.
fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    std::fs::read(path).map_err(|source| BuildError::File { path: path.to_owned(), source })
}
