//! Makes a component of a core module.

use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use crate::BuildError;

/// The component of a core module whose bindings say which interfaces it exports.
///
/// # Errors
/// `Imports` with everything that the module imports, when it imports anything: a toolchain's `wasi`, or
/// the clock of a crate that asks a browser for it. `Component`.
pub fn component(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let imports = imports(module)?;
    if !imports.is_empty() {
        return Err(BuildError::Imports(imports));
    }
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Component(format!("{error:#}")))
}

fn imports(module: &[u8]) -> Result<Vec<String>, BuildError> {
    let broken =
        |error: wasmparser::BinaryReaderError| BuildError::Component(error.message().to_owned());
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(section) = payload.map_err(broken)? else { continue };
        for import in section.into_imports() {
            let import = import.map_err(broken)?;
            names.push(format!("{}.{}", import.module, import.name));
        }
    }
    Ok(names)
}
