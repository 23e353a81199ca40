//! The command line with everything below it: flags, then the environment, then the file, then
//! defaults. The file's values become the defaults of the flags, so that every command takes them
//! without knowing of the file.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::file::{self, Fault, FileSettings};
use super::settings::{self, ROOT_KEY, Setting, nearest};
use crate::cli::Cli;

/// A command line, with what was found on the way.
#[derive(Debug)]
pub struct Loaded {
    /// What to do. Where there are faults, its settings are those of the flags and defaults alone.
    pub cli: Cli,
    /// What else was found.
    pub report: Report,
}

/// Where settings came from, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Report {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// What is wrong with the file and the environment. A command that needs settings must refuse.
    pub faults: Vec<Fault>,
    /// What may be wrong.
    pub warnings: Vec<String>,
    /// Each setting's value and source, by its id, when the command takes settings.
    pub values: BTreeMap<String, (Option<String>, Source)>,
}

/// Where a value came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// A flag.
    Flag,
    /// An environment variable.
    Environment,
    /// The file.
    File,
    /// Nobody set it.
    Default,
}

/// Reads a command line, the environment and the file.
///
/// # Errors
/// What clap says of a wrong command line, and when help or the version is asked for. Faults of the
/// environment and the file are no error here: see [`Report::faults`].
pub fn command_line(arguments: impl IntoIterator<Item = OsString>) -> Result<Loaded, clap::Error> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let settings = settings::all();
    let flags = without_environment(Cli::command(), &settings);
    // Help names the variables, so it is made with them.
    let matches = flags.clone().try_get_matches_from(&arguments).map_err(|error| {
        let asked = error.kind() == ErrorKind::DisplayHelp;
        let full = asked.then(|| Cli::command().try_get_matches_from(&arguments).err());
        full.flatten().unwrap_or(error)
    })?;
    let mut report = Report { warnings: unknown_variables(), ..Report::default() };
    if !takes_settings(&flags, &matches) {
        let cli = Cli::from_arg_matches(&Cli::command().try_get_matches_from(&arguments)?)?;
        return Ok(Loaded { cli, report });
    }
    report.file = named_file(&matches).or_else(file::find);
    let FileSettings { values, faults } = match &report.file {
        Some(path) => file::read(path),
        None => FileSettings::default(),
    };
    report.faults = faults;
    report.faults.extend(settings.iter().filter_map(fault_of_environment));
    if !report.faults.is_empty() {
        return Ok(Loaded { cli: Cli::from_arg_matches(&matches)?, report });
    }
    let command = with_file(Cli::command(), &settings, &values);
    let matches = command.try_get_matches_from(&arguments)?;
    let leaf = leaf(&matches);
    report.values = settings
        .iter()
        .map(|setting| (setting.id.clone(), found(setting, leaf, values.contains_key(&setting.id))))
        .collect();
    Ok(Loaded { cli: Cli::from_arg_matches(&matches)?, report })
}

/// The value and the source of a setting of the command that runs.
fn found(setting: &Setting, matches: &ArgMatches, in_file: bool) -> (Option<String>, Source) {
    let id = setting.id.as_str();
    let mut raw = matches.try_get_raw(id).ok().flatten().into_iter().flatten();
    let value = raw.next().map(|value| value.to_string_lossy().into_owned());
    let source = match matches.try_contains_id(id).ok().and_then(|_| matches.value_source(id)) {
        Some(ValueSource::CommandLine) => Source::Flag,
        Some(ValueSource::EnvVariable) => Source::Environment,
        _ if in_file => Source::File,
        _ => Source::Default,
    };
    (value, source)
}

/// The command that runs: the last of the subcommands.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, below)| leaf(below))
}

/// Whether the command that runs opens anything: then it says where it is.
fn takes_settings(command: &Command, matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((name, below)) => {
            command.find_subcommand(name).is_some_and(|command| takes_settings(command, below))
        }
        None => command.get_arguments().any(|arg| arg.get_id() == "data_dir"),
    }
}

fn named_file(matches: &ArgMatches) -> Option<PathBuf> {
    let given = |id| leaf(matches).try_get_one::<PathBuf>(id).ok().flatten().cloned();
    given("checked_file")
        .or_else(|| given("config_file"))
        .or_else(|| std::env::var_os("OUBLI_CONFIG").map(PathBuf::from))
}

/// Changes the flags that are settings, in all commands. Another flag may share a setting's name:
/// it is told apart by its environment variable.
fn change_settings(
    command: Command,
    settings: &[Setting],
    change: &impl Fn(&Setting, clap::Arg) -> clap::Arg,
) -> Command {
    let command = command.mut_args(|arg| {
        let env = arg.get_env().and_then(|env| env.to_str());
        match settings.iter().find(|setting| Some(setting.env.as_str()) == env) {
            Some(setting) => change(setting, arg),
            None => arg,
        }
    });
    command.mut_subcommands(|below| change_settings(below, settings, change))
}

fn without_environment(command: Command, settings: &[Setting]) -> Command {
    change_settings(command, settings, &|_, arg| arg.env(None::<&'static str>))
}

fn with_file(command: Command, settings: &[Setting], values: &BTreeMap<String, String>) -> Command {
    change_settings(command, settings, &|setting, arg| match values.get(&setting.id) {
        Some(value) => arg.default_value(value.clone()),
        None => arg,
    })
}

fn fault_of_environment(setting: &Setting) -> Option<Fault> {
    let message = match std::env::var_os(&setting.env)?.into_string() {
        Ok(value) => setting.refusal(&value)?,
        Err(_) => "is not UTF-8".to_owned(),
    };
    Some(Fault { place: setting.env.clone(), message })
}

/// Variables that look like settings and are none.
fn unknown_variables() -> Vec<String> {
    let mut known = BTreeSet::from([ROOT_KEY.to_owned()]);
    collect_variables(&Cli::command(), &mut known);
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let unknown = names.filter(|name| {
        name.starts_with("OUBLI_") && !name.starts_with("OUBLI_TEST_") && !known.contains(name)
    });
    unknown
        .map(|name| match nearest(&name, known.iter().map(String::as_str)) {
            Some(near) => format!("{name} is no setting; is {near} meant?"),
            None => format!("{name} is no setting"),
        })
        .collect()
}

fn collect_variables(command: &Command, known: &mut BTreeSet<String>) {
    let of_arguments = command.get_arguments().filter_map(|arg| arg.get_env()?.to_str());
    known.extend(of_arguments.map(str::to_owned));
    command.get_subcommands().for_each(|below| collect_variables(below, known));
}
