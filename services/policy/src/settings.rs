//! [`Settings`]: what a plugin was given to decide by, checked by its schema and by itself.

use serde_json::Value;

use crate::error::{BadOutput, RunError};
use crate::manifest::{self, MAX_SETTINGS, ManifestError, Rules};
use crate::plugin::{Plugin, Time};
use crate::text;
use crate::wit::exports::oubli::policy::settings::SettingsProblem as Told;

/// The most places of settings that are named.
const MAX_PROBLEMS: usize = 100;
/// The longest text of a problem, in bytes.
const MAX_TEXT: usize = 1_000;

/// Settings that a plugin took.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    json: String,
    rules: Rules,
}

/// Something that is wrong with settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SettingsProblem {
    /// A JSON pointer (RFC 6901); empty for the whole.
    pub path: String,
    /// What, for the person who wrote them.
    pub message: String,
}

/// Why settings were not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SettingsError {
    /// They are longer than [`MAX_SETTINGS`].
    #[error("the settings are longer than {MAX_SETTINGS} bytes")]
    TooLong,
    /// They do not fit the manifest's schema, or the plugin says what is wrong; at most 100 places.
    #[error("the settings are not what the plugin takes")]
    Refused(Vec<SettingsProblem>),
    /// The rules in them are none.
    #[error("the rules in the settings are not accepted")]
    Rules(#[source] ManifestError),
    /// The plugin failed over them.
    #[error("the plugin failed while it checked the settings")]
    Run(#[source] RunError),
}

impl Settings {
    /// The document in canonical form (RFC 8785).
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }

    /// What verdicts under them may cite.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

impl Plugin {
    /// Checks settings: their length, the manifest's schema, the rules in them, and then what the
    /// plugin itself says, in a run of its own.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn settings(&self, document: &Value) -> Result<Settings, SettingsError> {
        let json = oubli_domain::json::canonical(document);
        if json.len() > MAX_SETTINGS {
            return Err(SettingsError::TooLong);
        }
        self.check_schema(document)?;
        let rules = self.manifest().rules(document).map_err(SettingsError::Rules)?;
        self.ask_itself(&json)?;
        Ok(Settings { json, rules })
    }

    fn check_schema(&self, document: &Value) -> Result<(), SettingsError> {
        // Its schema was compiled when the manifest was checked.
        let validator = manifest::settings_validator(&self.manifest().settings_schema)
            .ok_or(SettingsError::Refused(Vec::new()))?;
        let problems: Vec<_> = validator
            .iter_errors(document)
            .take(MAX_PROBLEMS)
            .map(|error| SettingsProblem {
                path: shown(error.instance_path().to_string()),
                message: format!("breaks the schema's `{}`", error.kind().keyword()),
            })
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(SettingsError::Refused(problems)) }
    }

    fn ask_itself(&self, json: &str) -> Result<(), SettingsError> {
        let answer = self.run(Time::Chunk, |store, instance| {
            let guest = self.exports.settings.load(&mut *store, instance)?;
            guest.call_validate_settings(&mut *store, json)
        });
        match answer.map_err(|fault| SettingsError::Run(fault.error))?.value {
            Ok(()) => Ok(()),
            Err(told) => Err(read(told).map_or_else(
                |bad| SettingsError::Run(RunError::BadOutput(bad)),
                SettingsError::Refused,
            )),
        }
    }
}

/// A path names members that somebody chose; the whole document stands for one that cannot be shown.
fn shown(path: String) -> String {
    if is_sound(&path) { path } else { String::new() }
}

fn is_sound(text: &str) -> bool {
    text.len() <= MAX_TEXT && text::is_plain(text)
}

fn read(told: Vec<Told>) -> Result<Vec<SettingsProblem>, BadOutput> {
    let sound = |told: &Told| is_sound(&told.path) && is_sound(&told.message);
    if told.len() > MAX_PROBLEMS || !told.iter().all(sound) {
        return Err(BadOutput::Message);
    }
    let problem = |Told { path, message }| SettingsProblem { path, message };
    Ok(told.into_iter().map(problem).collect())
}
