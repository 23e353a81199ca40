//! The configuration file: where it is, and what is wrong with it, all of it and each with its
//! place. No value is repeated in an error: it may be a secret in the wrong place.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use toml_edit::{Document, Item, Table, Value};

use super::settings::{self, Kind, Section, Setting, nearest};

/// Where a file is looked for when none is named, in this order.
pub const PLACES: [&str; 2] = ["oubli.toml", "/etc/oubli/oubli.toml"];

/// A setting that cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The file with line and column, or the environment variable.
    pub place: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// What a file says.
#[derive(Clone, Default, Debug)]
pub struct FileSettings {
    /// The values by the settings' ids, as the environment would give them.
    pub values: BTreeMap<String, String>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
}

/// The file that is used when none is named.
#[must_use]
pub fn find() -> Option<PathBuf> {
    first(PLACES.map(PathBuf::from))
}

/// The first file that is there. One that cannot be looked at counts, so that [`read`] says why:
/// passing over it would run with other settings than it asks for.
fn first(places: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    places.into_iter().find(|path| path.try_exists().unwrap_or(true))
}

/// Reads a file.
#[must_use]
pub fn read(path: &Path) -> FileSettings {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mut reader = Reader::new(path, &text);
            reader.read();
            reader.found
        }
        Err(error) => {
            let message = format!("cannot read the configuration file: {error}");
            let fault = Fault { place: path.display().to_string(), message };
            FileSettings { faults: vec![fault], ..FileSettings::default() }
        }
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    sections: Vec<Section>,
    found: FileSettings,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, text: &'a str) -> Self {
        Self { path, text, sections: settings::sections(), found: FileSettings::default() }
    }

    fn read(&mut self) {
        let document = match Document::parse(self.text) {
            Ok(document) => document,
            // Its Display shows the line, which may hold a secret.
            Err(error) => {
                return self.fault(error.span(), format!("is not TOML: {}", error.message()));
            }
        };
        for (name, item) in document.as_table() {
            let span = document.as_table().key(name).and_then(toml_edit::Key::span);
            match (self.section(name), item.as_table()) {
                (Some(section), Some(table)) => self.read_section(&section, table),
                (Some(_), None) => self.fault(span, format!("{name} is a section: write [{name}]")),
                (None, _) => self.fault(span, self.unknown_section(name)),
            }
        }
    }

    fn section(&self, name: &str) -> Option<Section> {
        self.sections.iter().find(|section| section.name == name).cloned()
    }

    fn unknown_section(&self, name: &str) -> String {
        let settings = || self.sections.iter().flat_map(|section| &section.settings);
        if let Some(setting) = settings().find(|setting| setting.key == name || setting.id == name)
        {
            return format!("{name} belongs into the section [{}]", setting.section);
        }
        match nearest(name, self.sections.iter().map(|section| section.name)) {
            Some(known) => format!("there is no section {name}; is [{known}] meant?"),
            None => format!("there is no section {name}"),
        }
    }

    fn read_section(&mut self, section: &Section, table: &Table) {
        for (key, item) in table {
            let span = table.key(key).and_then(toml_edit::Key::span);
            match section.settings.iter().find(|setting| setting.key == key) {
                Some(setting) => self.read_setting(setting, item),
                None => self.fault(span, unknown_key(&self.sections, section, key)),
            }
        }
    }

    fn read_setting(&mut self, setting: &Setting, item: &Item) {
        let value = match (setting.kind, item.as_value()) {
            (Kind::Bool, Some(Value::Boolean(value))) => value.value().to_string(),
            (Kind::Number, Some(Value::Integer(value))) => value.value().to_string(),
            (Kind::Text, Some(Value::String(value))) => value.value().clone(),
            _ => {
                let message = format!("{} must be {}", setting.name(), setting.kind.as_str());
                return self.fault(item.span(), message);
            }
        };
        if let Some(refusal) = setting.refusal(&value) {
            return self.fault(item.span(), format!("{} {refusal}", setting.name()));
        }
        if setting.is_secret && others_can_read(self.path) {
            let (name, key) = (setting.name(), &setting.key);
            let told = format!(
                "{name} may hold a password, and others can read this file: chmod 600 it, or name a file of its own with {key}_file"
            );
            self.fault(item.span(), told);
        }
        self.found.values.insert(setting.id.clone(), value);
    }

    fn fault(&mut self, at: Option<Range<usize>>, message: String) {
        let mut place = self.path.display().to_string();
        if let Some(before) = at.and_then(|span| self.text.get(..span.start)) {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            place = format!("{place}:{line}:{column}");
        }
        self.found.faults.push(Fault { place, message });
    }
}

fn unknown_key(sections: &[Section], section: &Section, key: &str) -> String {
    if section.name == "root_key" && ["key", "root_key", "value", "secret"].contains(&key) {
        return format!(
            "the root key itself must not stand in this file: configuration is copied and backed up, and whoever has a copy could read every database. Keep it in a file of its own (root_key.file), or in the environment variable {}",
            settings::ROOT_KEY
        );
    }
    let name = format!("{}.{key}", section.name);
    let elsewhere = sections.iter().flat_map(|section| &section.settings);
    if let Some(setting) = elsewhere.clone().find(|setting| setting.key == key) {
        return format!("there is no setting {name}; {} is", setting.name());
    }
    match nearest(key, section.settings.iter().map(|setting| setting.key.as_str())) {
        Some(known) => {
            format!("there is no setting {name}; is {}.{known} meant?", section.name)
        }
        None => format!("there is no setting {name}"),
    }
}

fn others_can_read(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{first, read};

    #[test]
    fn a_file_that_cannot_be_looked_at_is_not_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("other"), "").unwrap();
        assert_eq!(first([path("missing"), path("other")]), Some(path("other")));
        // It leads to itself, which no user can read, also not root.
        std::os::unix::fs::symlink(path("loop"), path("loop")).unwrap();
        assert_eq!(first([path("loop"), path("other")]), Some(path("loop")));
        assert_eq!(read(&path("loop")).faults.len(), 1);
    }
}
