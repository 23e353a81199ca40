//! The custom section that holds the manifest.

use wasmparser::{Parser, Payload};

use super::{Manifest, ManifestError};

/// The name of the custom section.
pub const SECTION: &str = "oubli:manifest";

/// Finds the one manifest section at a component's top level.
pub(super) fn read(file: &[u8]) -> Result<&[u8], ManifestError> {
    let (mut depth, mut found) = (0u32, Vec::new());
    // What is no component has no manifest either; loading says what is wrong with it.
    for payload in Parser::new(0).parse_all(file).map_while(Result::ok) {
        match payload {
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                found.push(section.data());
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    match found.as_slice() {
        [] => Err(ManifestError::Missing),
        [section] => Ok(section),
        _ => Err(ManifestError::Twice),
    }
}

/// The component with the manifest in its section: what `oubli policy build` writes.
///
/// # Errors
/// `Member` when the manifest is not valid, `TooLong`, `Twice` when the component has one already.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
    manifest.check()?;
    let json = serde_json::to_vec(manifest).map_err(|_| ManifestError::NotJson)?;
    if json.len() > super::MAX_MANIFEST {
        return Err(ManifestError::TooLong);
    }
    if read(component).is_ok() {
        return Err(ManifestError::Twice);
    }
    let mut body = leb128(SECTION.len());
    body.extend_from_slice(SECTION.as_bytes());
    body.extend_from_slice(&json);
    // A custom section (id 0) may stand anywhere, so also at the end.
    Ok([component, &[0], &leb128(body.len()), &body].concat())
}

/// An unsigned LEB128 number, as WebAssembly writes lengths.
fn leb128(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        bytes.push(if value == 0 { low } else { low | 0x80 });
        if value == 0 {
            return bytes;
        }
    }
}
