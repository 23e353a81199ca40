//! What can be known of a plugin's file without compiling or running it.

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::Types;
use wasmparser::{Parser, Payload, Validator};
use wasmtime::Engine;

use crate::error::{LoadError, WorldProblem};
use crate::manifest::{Interface, Manifest};
use crate::runtime::FEATURES;
use crate::text;

/// How much of an import's name is told.
const MAX_NAME: usize = 128;

/// Checks that a file is a component that imports nothing and exports what its manifest declares, and
/// gives the manifest. Neither compiles nor runs anything; says nothing of signatures.
///
/// # Errors
/// `Precompiled`, `NotComponent`, `Invalid`, `BadManifest`, `ImportDenied`, `WrongWorld`.
pub fn inspect(file: &[u8]) -> Result<Manifest, LoadError> {
    check_kind(file)?;
    let types = Validator::new_with_features(FEATURES)
        .validate_all(file)
        .map_err(|error| LoadError::Invalid { offset: error.offset() })?;
    let manifest = Manifest::of_component(file).map_err(LoadError::BadManifest)?;
    check_imports(file, &types)?;
    check_exports(&manifest, &types)?;
    Ok(manifest)
}

fn check_kind(file: &[u8]) -> Result<(), LoadError> {
    if Engine::detect_precompiled(file).is_some() {
        return Err(LoadError::Precompiled);
    }
    if Parser::is_core_wasm(file) {
        return Err(LoadError::NotComponent);
    }
    Ok(())
}

fn check_imports(file: &[u8], types: &Types) -> Result<(), LoadError> {
    let invalid =
        |error: wasmparser::BinaryReaderError| LoadError::Invalid { offset: error.offset() };
    let mut depth = 0u32;
    for payload in Parser::new(0).parse_all(file) {
        match payload.map_err(invalid)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    check_import(import.map_err(invalid)?.name.name, types)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Bindings import the interface of the types that they use; types alone need nothing of the host.
fn check_import(name: &str, types: &Types) -> Result<(), LoadError> {
    let allowed = match types.component_item_for_import(name).map(|item| &item.ty) {
        Some(ComponentEntityType::Instance(id)) => {
            types[*id].exports.values().all(|item| is_plain_type(&item.ty))
        }
        Some(ty) => is_plain_type(ty),
        None => false,
    };
    if allowed { Ok(()) } else { Err(LoadError::ImportDenied { name: cut(name) }) }
}

fn is_plain_type(ty: &ComponentEntityType) -> bool {
    matches!(ty, ComponentEntityType::Type { referenced: ComponentAnyTypeId::Defined(_), .. })
}

/// Names may be long, and hold whatever a URL may.
fn cut(name: &str) -> String {
    if text::is_plain(name) { name.chars().take(MAX_NAME).collect() } else { "…".to_owned() }
}

fn check_exports(manifest: &Manifest, types: &Types) -> Result<(), LoadError> {
    let exports = |interface: &str| {
        types.component_item_for_export(&format!("oubli:policy/{interface}@1.0.0")).is_some()
    };
    let wrong = |interface, problem| Err(LoadError::WrongWorld { interface, problem });
    if !exports("settings") {
        return wrong("settings", WorldProblem::Missing);
    }
    for interface in Interface::ALL {
        match (manifest.has(interface), exports(interface.as_str())) {
            (true, false) => return wrong(interface.as_str(), WorldProblem::Missing),
            (false, true) => return wrong(interface.as_str(), WorldProblem::Undeclared),
            _ => {}
        }
    }
    Ok(())
}
