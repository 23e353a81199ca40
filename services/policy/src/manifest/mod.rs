//! The manifest: what a plugin says of itself, in the custom section `oubli:manifest` of its file.
//! Owns its types, what makes one valid, and its section. It is read without running anything.
//! Its form is told for authors in `plugins/wit/README.md`.

mod check;
mod rules;
mod section;

use oubli_domain::data_map::Classification;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use check::settings_validator;
pub use rules::{LegalReference, Rule, RuleKind, Rules};
pub use section::{SECTION, embed};

/// The form of the manifest that this version reads and writes.
pub const FORM: u32 = 1;

/// The longest manifest, in bytes of JSON.
pub const MAX_MANIFEST: usize = 256 * 1024;

/// The longest schema of settings, in bytes of JSON.
pub const MAX_SCHEMA: usize = 128 * 1024;

/// The longest settings, in bytes of canonical JSON.
pub const MAX_SETTINGS: usize = 1024 * 1024;

/// The most rules of a manifest, and the most that settings add.
pub const MAX_RULES: usize = 1_000;

/// What a plugin says of itself.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The form of this document: [`FORM`].
    pub manifest: u32,
    /// A lower-case letter, then up to 62 lower-case letters, digits or `-`.
    pub name: String,
    /// Semantic Versioning 2, at most 64 bytes.
    pub version: String,
    /// For people, 1 to 200 bytes.
    pub author: String,
    /// An SPDX expression, 1 to 200 bytes.
    pub licence: String,
    /// For people, at most 1,000 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it exports beside `settings`: each once, at least one.
    pub interfaces: Vec<Interface>,
    /// What its verdicts may cite; at most [`MAX_RULES`].
    pub rules: Vec<Rule>,
    /// A JSON pointer (RFC 6901) to an array of more rules in its settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules_from_settings: Option<String>,
    /// What settings are held against: JSON Schema 2020-12, at most [`MAX_SCHEMA`].
    pub settings_schema: Value,
    /// The field values that it asks for; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<ValueRequest>,
}

/// A question that a plugin can answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interface {
    /// What becomes of records as time passes.
    Retention,
    /// What must stay when something is about to be destroyed.
    Guard,
    /// What the DPO should see.
    Audit,
}

impl Interface {
    /// Every interface.
    pub const ALL: [Self; 3] = [Self::Retention, Self::Guard, Self::Audit];

    /// Its name in the WIT package.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Guard => "guard",
            Self::Audit => "audit",
        }
    }
}

/// The field values that a plugin asks for. The operator grants or refuses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ValueRequest {
    /// Of these classifications, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classifications: Vec<Classification>,
    /// Of fields that the data map does not have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undeclared: bool,
}

/// What is wrong with a manifest, or with settings that it should describe. Holds names of members
/// and bounds, nothing that the author wrote.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file has no section of that name.
    #[error("the component has no section `{SECTION}`")]
    Missing,
    /// The file has more than one.
    #[error("the component has more than one section `{SECTION}`")]
    Twice,
    /// Longer than [`MAX_MANIFEST`].
    #[error("the manifest is longer than {MAX_MANIFEST} bytes")]
    TooLong,
    /// Not UTF-8, not JSON, a member twice, or nested too deep.
    #[error("the manifest is not well-formed JSON")]
    NotJson,
    /// A member is missing, unknown or of another type.
    #[error("the manifest does not have its form at line {line}, column {column}")]
    Form {
        /// The line, from 1; 0 when it cannot be told.
        line: usize,
        /// The column, from 1; 0 when it cannot be told.
        column: usize,
    },
    /// A member breaks its bound.
    #[error("the manifest's member `{member}` must be {rule}")]
    Member {
        /// The path of the member, list indexes left out.
        member: &'static str,
        /// What it must be.
        rule: &'static str,
    },
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// `TooLong`, `NotJson`, `Form`, `Member`.
    pub fn parse(json: &[u8]) -> Result<Self, ManifestError> {
        if json.len() > MAX_MANIFEST {
            return Err(ManifestError::TooLong);
        }
        // Strict first: a member that stands twice would be read differently by others.
        oubli_domain::json::parse(json).map_err(|_| ManifestError::NotJson)?;
        let manifest: Self = serde_json::from_slice(json)
            .map_err(|e| ManifestError::Form { line: e.line(), column: e.column() })?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks bounds, names, and that the schema of the settings is one.
    ///
    /// # Errors
    /// `Member` with the first that breaks its rule.
    pub fn check(&self) -> Result<(), ManifestError> {
        check::check(self)
    }

    /// Whether it declares the interface.
    #[must_use]
    pub fn has(&self, interface: Interface) -> bool {
        self.interfaces.contains(&interface)
    }

    /// The manifest from a component's file, without compiling or running it.
    ///
    /// # Errors
    /// As [`Manifest::parse`]; `Missing` also when the file is no component, `Twice`.
    pub fn of_component(file: &[u8]) -> Result<Self, ManifestError> {
        Self::parse(section::read(file)?)
    }
}

#[cfg(test)]
mod tests;
