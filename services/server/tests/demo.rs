//! The demo, as a person starts it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs `oubli demo --exit` with a temporary folder of its own.
fn demo(temporary: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_oubli"));
    command.args(["demo", "--exit"]).args(arguments).env("TMPDIR", temporary).output().unwrap()
}

/// An empty folder for one test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn every_step_of_the_demo_holds_and_nothing_is_left_of_it() {
    let temporary = folder("demo-story");
    let output = demo(&temporary, &[]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert!(text.contains("Every step held: "), "{text}");
    assert!(text.is_ascii(), "colours and signs are for terminals");
    assert_eq!(std::fs::read_dir(&temporary).unwrap().count(), 0, "its folder is deleted");
}

#[test]
fn a_folder_that_is_there_is_not_touched() {
    let theirs = folder("demo-theirs");
    std::fs::write(theirs.join("theirs"), "x").unwrap();
    let output = demo(&theirs, &["--dir", theirs.to_str().unwrap()]);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read_dir(&theirs).unwrap().count(), 1);
}
