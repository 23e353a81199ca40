#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use clap::{Args as _, CommandFactory as _, FromArgMatches as _};

use super::file::{self, FileSettings};
use super::http::{Limits, RateLimit};
use super::settings::{self, Kind};
use super::{print, secret};
use crate::cli::Cli;

fn read(text: &str) -> FileSettings {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("oubli.toml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let mut found = file::read(&path);
    for fault in &mut found.faults {
        fault.place = fault.place.rsplit('/').next().unwrap().to_owned();
    }
    found
}

fn faults(text: &str) -> Vec<String> {
    read(text).faults.iter().map(ToString::to_string).collect()
}

#[test]
fn the_default_file_sets_the_defaults() {
    let file = print::default_file();
    assert!(read(&file).values.is_empty(), "every setting is a comment");
    let settings: Vec<&str> = file
        .lines()
        .filter(|line| !line.ends_with("# not set"))
        .map(|line| line.strip_prefix('#').filter(|l| !l.starts_with(' ')).unwrap_or(line))
        .collect();
    let found = read(&settings.join("\n"));
    assert_eq!(found.faults, []);
    let defaults: BTreeMap<String, String> = settings::all()
        .into_iter()
        .filter_map(|setting| Some((setting.id, setting.default?)))
        .collect();
    assert_eq!(found.values, defaults);
}

#[test]
fn every_flag_of_a_service_is_a_key_with_a_variable_of_its_own() {
    let all = settings::all();
    let command = Cli::command();
    let service = command.find_subcommand("all").unwrap();
    let flags: BTreeSet<_> = service.get_arguments().filter_map(clap::Arg::get_long).collect();
    let log = ["log", "log-format"];
    let keys: BTreeSet<_> = all.iter().map(|setting| setting.flag.as_str()).collect();
    assert_eq!(keys, flags.into_iter().chain(log).collect());
    for distinct in [
        all.iter().map(|setting| setting.env.clone()).collect::<BTreeSet<_>>(),
        all.iter().map(settings::Setting::name).collect(),
        all.iter().map(|setting| setting.id.clone()).collect(),
    ] {
        assert_eq!(distinct.len(), all.len());
    }
    assert!(all.iter().all(|setting| setting.env.starts_with("OUBLI_")));
}

#[test]
fn what_code_calls_default_is_what_the_flags_default_to() {
    let of_flags = Limits::augment_args(clap::Command::new("oubli"));
    let of_flags = of_flags.mut_args(|arg| arg.env(None::<&'static str>));
    let limits = Limits::from_arg_matches(&of_flags.get_matches_from(["oubli"])).unwrap();
    assert_eq!(format!("{limits:?}"), format!("{:?}", Limits::default()));
    assert_eq!(limits.of_api(), oubli_api::Limits::DEFAULT);
    let of_flags = RateLimit::augment_args(clap::Command::new("oubli"));
    let of_flags = of_flags.mut_args(|arg| arg.env(None::<&'static str>));
    let rates = RateLimit::from_arg_matches(&of_flags.get_matches_from(["oubli"])).unwrap();
    assert_eq!(format!("{rates:?}"), format!("{:?}", RateLimit::default()));
    assert_eq!(rates.of_api(), oubli_api::RateLimits::DEFAULT);
}

#[test]
fn documented_bounds_are_the_bounds() {
    for setting in settings::all().iter().filter(|setting| setting.kind == Kind::Number) {
        let (_, bounds) = setting.doc.rsplit_once(" from ").unwrap();
        let (least, most) = bounds.trim_end_matches('.').split_once(" to ").unwrap();
        let [least, most] = [least, most].map(|bound| bound.parse::<i64>().unwrap());
        for taken in [least, most] {
            assert_eq!(setting.refusal(&taken.to_string()), None, "{}", setting.name());
        }
        for refused in [least - 1, most + 1] {
            let told = setting.refusal(&refused.to_string()).unwrap();
            assert!(told.contains(&format!("from {least} to {most}")), "{told}");
        }
    }
}

#[test]
fn every_fault_is_named_with_its_place() {
    let text = "data_dir = 'x'\n[storage]\ndata_dirr = 'x'\nconnections = 5000\n[work]\n  \
                key_cache_seconds = 'ten'\nbody_bytes = 5\n[limit]\n[log]\nformat = 'xml'\n[listen]\n\
                bind = 'nowhere'\nbehind_proxy = 'yes'\nurl = ''\n";
    assert_eq!(
        faults(text),
        [
            "oubli.toml:1:1: data_dir belongs into the section [storage]",
            "oubli.toml:3:1: there is no setting storage.data_dirr; is storage.data_dir meant?",
            "oubli.toml:4:15: storage.connections must be a whole number from 1 to 1000",
            "oubli.toml:6:23: work.key_cache_seconds must be a whole number",
            "oubli.toml:7:1: there is no setting work.body_bytes; limits.body_bytes is",
            "oubli.toml:8:2: there is no section limit; is [limits] meant?",
            "oubli.toml:10:10: log.format must be one of: text, json",
            "oubli.toml:12:8: listen.bind is not right: invalid socket address syntax",
            "oubli.toml:13:16: listen.behind_proxy must be true or false",
            "oubli.toml:14:7: listen.url must not be empty: leave it out instead",
        ]
    );
    assert!(read(text).values.is_empty());
    for broken in ["[storage\n", "[storage]\ndata_dir = hunter2\n", "[log]\n[log]\n"] {
        let told = faults(broken);
        assert!(told.len() == 1 && told[0].contains("is not TOML"), "{told:?}");
        assert!(!told[0].contains("hunter2"), "a value is not repeated");
    }
    assert!(faults("storage = 1\n")[0].contains("write [storage]"));
    assert!(faults("zebra = 1\n")[0].ends_with("there is no section zebra"));
}

#[test]
fn the_root_key_does_not_stand_in_the_file() {
    for key in ["key", "root_key", "secret"] {
        let told = faults(&format!("[root_key]\n{key} = 'hunter2'\n"));
        assert!(told[0].contains("must not stand in this file"), "{told:?}");
        assert!(!told[0].contains("hunter2"));
    }
}

#[test]
fn secrets_are_read_from_files_of_one_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("url");
    let given = "postgres://u:hunter2@h/d".to_owned();
    let told = |file| format!("{:#}", secret::either("data-url", None, Some(file)).unwrap_err());
    assert!(told(&path).contains("No such file"));
    fs::write(&path, format!("{given}\n")).unwrap();
    for mode in [0o640, 0o604, 0o644] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        assert!(told(&path).contains("chmod 600"), "{mode:o}");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    let read = |value, file| secret::either("data-url", value, file);
    assert_eq!(read(None, Some(&path)).unwrap().as_ref(), Some(&given));
    assert_eq!(read(Some(&given), None).unwrap().as_ref(), Some(&given));
    assert_eq!(read(None, None).unwrap(), None);
    let both = format!("{:#}", read(Some(&given), Some(&path)).unwrap_err());
    assert!(both.contains("both given") && !both.contains("hunter2"), "{both}");
    fs::remove_file(&path).unwrap();
    fs::write(&path, "\n").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    assert!(told(&path).contains("is empty"));
}

#[test]
fn the_page_of_documentation_is_up_to_date() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = fs::read_to_string(page).unwrap();
    assert_eq!(page, print::reference(), "run: oubli config reference > docs/configuration.md");
}
