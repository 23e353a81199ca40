//! The configuration in words: as it is in effect, as a file of defaults, as a page of documentation.

use std::fmt::Write as _;

use toml_edit::Value;

use super::file::PLACES;
use super::load::{Report, Source};
use super::settings::{Kind, ROOT_KEY, Setting, sections};

/// How wide a comment is.
const WIDTH: usize = 96;

/// The settings in effect as TOML, each with where it came from. Secrets are not shown.
#[must_use]
pub fn effective(report: &Report) -> String {
    let file = report.file.as_ref().map_or("none".into(), |path| path.display().to_string());
    let mut text = format!("# Configuration file: {file}\n");
    for section in sections() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n[{}]", section.name);
        for setting in &section.settings {
            let Some((value, source)) = report.values.get(&setting.id) else { continue };
            let from = match source {
                Source::Flag => format!("--{}", setting.flag),
                Source::Environment => setting.env.clone(),
                Source::File => file.clone(),
                Source::Default => "default".to_owned(),
            };
            let _ = match value {
                None => writeln!(text, "# {} is not set", setting.key),
                Some(_) if setting.is_secret => {
                    writeln!(text, "{} = \"(not shown)\"  # {from}", setting.key)
                }
                Some(value) => {
                    writeln!(text, "{} = {}  # {from}", setting.key, toml(setting.kind, value))
                }
            };
        }
    }
    text
}

/// A file that says what every setting means and sets none.
#[must_use]
pub fn default_file() -> String {
    let mut text = format!(
        "# Settings of Oubli. A flag goes before the environment, the environment before this file, and\n\
         # this file before the defaults, which stand here. Without --config or OUBLI_CONFIG it is read\n\
         # from {}. Paths are relative to where the service is started.\n",
        PLACES.join(" or ")
    );
    for section in sections() {
        let _ = writeln!(text, "\n{}[{}]", comment(&section.doc), section.name);
        for setting in &section.settings {
            let _ = write!(text, "\n{}", comment(&setting.doc));
            let _ = writeln!(text, "# Flag --{}, environment {}.", setting.flag, setting.env);
            let _ = match &setting.default {
                Some(value) => writeln!(text, "#{} = {}", setting.key, toml(setting.kind, value)),
                None => writeln!(
                    text,
                    "#{} = {}  # not set",
                    setting.key,
                    toml(Kind::Text, &setting.value_name)
                ),
            };
        }
    }
    text
}

/// A page of documentation with a table of each section.
#[must_use]
pub fn reference() -> String {
    let mut text = format!(
        "# Configuration\n\n\
         Oubli runs without any configuration. A setting can be given as a flag, in the environment, or\n\
         in a TOML file; a flag goes before the environment, the environment before the file, the file\n\
         before the default. The file is the one that `--config` or `OUBLI_CONFIG` names, else\n\
         `{}`, else `{}`, else none. Paths are relative to where the service is started.\n\n\
         | command | what it does |\n|---|---|\n\
         | `oubli config print` | prints the settings in effect and where each came from; secrets are not shown |\n\
         | `oubli config print --default` | prints a file with every setting, its meaning and default |\n\
         | `oubli config check [FILE]` | names everything that is wrong with a file, with line and column |\n\
         | `oubli doctor` | checks the configuration, the databases, the keys and the machine |\n\n\
         The root key itself is no key of the file: configuration is copied and backed up, and whoever has\n\
         a copy could read every database. It stands in a file of its own (`root_key.file`), or in the\n\
         environment variable `{ROOT_KEY}`, 32 bytes in base64. Files of secrets must be readable by their\n\
         owner alone (`chmod 600`).\n\n\
         This page is made by `oubli config reference`.\n",
        PLACES[0], PLACES[1]
    );
    for section in sections() {
        let _ = write!(
            text,
            "\n## `[{}]`\n\n{}\n\n| key | meaning | default | flag | environment |\n|---|---|---|---|---|\n",
            section.name,
            one_line(&section.doc)
        );
        for setting in &section.settings {
            let _ = writeln!(text, "{}", row(setting));
        }
    }
    text
}

fn row(setting: &Setting) -> String {
    let default = match &setting.default {
        Some(value) => format!("`{}`", toml(setting.kind, value)),
        None => "not set".to_owned(),
    };
    let doc = one_line(&setting.doc).replace('|', "\\|");
    let Setting { key, flag, env, .. } = setting;
    format!("| `{key}` | {doc} | {default} | `--{flag}` | `{env}` |")
}

/// A value as the file writes it.
fn toml(kind: Kind, value: &str) -> String {
    match kind {
        Kind::Text => Value::from(value).to_string(),
        // The environment may say `yes` or `1`.
        Kind::Bool => ["true", "yes", "y", "t", "on", "1"]
            .contains(&value.to_lowercase().as_str())
            .to_string(),
        Kind::Number => value.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn comment(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push_str(&line);
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    if line == "#" { String::new() } else { format!("{lines}{line}\n") }
}
