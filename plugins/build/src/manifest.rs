//! `policy.toml`: the manifest as its author writes it.

use std::path::{Component, Path};

use oubli_policy::Manifest;
use oubli_policy::manifest::FORM;
use serde_json::{Value, json};

use crate::{BuildError, read};

/// The manifest of the policy in a folder. `policy.toml` has the members of the manifest, but that
/// `manifest` may be left out, and `settings-schema` names a file of JSON beside it.
///
/// # Errors
/// `File`, `Toml`, `SettingsSchema`, `Manifest`.
pub fn manifest(folder: &Path) -> Result<Manifest, BuildError> {
    let path = folder.join("policy.toml");
    let text = read(&path)?;
    let mut document: Value = toml_edit::de::from_slice(&text)
        .map_err(|error| BuildError::Toml { path, source: Box::new(error) })?;
    document["settings-schema"] = schema(folder, &document["settings-schema"])?;
    if document.get("manifest").is_none() {
        document["manifest"] = json!(FORM);
    }
    Manifest::parse(document.to_string().as_bytes()).map_err(BuildError::Manifest)
}

fn schema(folder: &Path, named: &Value) -> Result<Value, BuildError> {
    let name = Path::new(named.as_str().ok_or(BuildError::SettingsSchema)?);
    // A file of the policy, and no other of the machine: it is published with it.
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(BuildError::SettingsSchema);
    }
    serde_json::from_slice(&read(&folder.join(name))?).map_err(|_| BuildError::SettingsSchema)
}
