//! Wycheproof's AES-256-GCM cases (github.com/C2SP/wycheproof), through the function that the
//! envelope encrypts with.
//!
//! `OUBLI_WYCHEPROOF` names `aes_gcm_test.json`, or a folder that holds it; without it the cases
//! are not run and the test says so. A small file of the same form is always run.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use oubli_vault::aead::Cipher;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vectors {
    test_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    key_size: u32,
    iv_size: u32,
    tag_size: u32,
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    tc_id: u32,
    key: String,
    iv: String,
    aad: String,
    msg: String,
    ct: String,
    tag: String,
    result: String,
}

/// How many cases of each kind held, and the numbers of those that did not.
#[derive(Default, PartialEq, Eq, Debug)]
struct Report {
    valid: usize,
    invalid: usize,
    failed: Vec<u32>,
}

fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "an odd number of hex digits");
    let digits = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(digits).collect()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

fn encrypts(case: &Case) -> bool {
    let mut buffer = hex(&case.msg);
    let tag = Cipher::new(&bytes(&case.key))
        .encrypt(&bytes(&case.iv), &hex(&case.aad), &mut buffer)
        .unwrap();
    buffer == hex(&case.ct) && tag.as_slice() == hex(&case.tag)
}

/// `None` when the tag is refused, otherwise whether the plaintext is the expected one.
fn decrypts(case: &Case) -> Option<bool> {
    let mut buffer = hex(&case.ct);
    Cipher::new(&bytes(&case.key))
        .decrypt(&bytes(&case.iv), &hex(&case.aad), &mut buffer, &bytes(&case.tag))
        .ok()
        .map(|()| buffer == hex(&case.msg))
}

fn run(text: &str) -> Report {
    let vectors: Vectors = serde_json::from_str(text).unwrap();
    let mut report = Report::default();
    let ours = |group: &&Group| (group.key_size, group.iv_size, group.tag_size) == (256, 96, 128);
    for case in vectors.test_groups.iter().filter(ours).flat_map(|group| &group.tests) {
        match case.result.as_str() {
            "valid" if encrypts(case) && decrypts(case) == Some(true) => report.valid += 1,
            "invalid" if decrypts(case).is_none() => report.invalid += 1,
            _ => report.failed.push(case.tc_id),
        }
    }
    report
}

fn find(named: &Path) -> PathBuf {
    const NAME: &str = "aes_gcm_test.json";
    let places = ["", "testvectors_v1", "testvectors"].map(|folder| named.join(folder).join(NAME));
    let found = places.into_iter().find(|place| place.is_file());
    found.unwrap_or_else(|| named.to_owned())
}

/// Writes past the test harness, which keeps to itself what a passing test prints: whoever runs
/// the tests must see what was not run.
#[expect(clippy::explicit_write, reason = "`eprintln!` is what the harness keeps to itself")]
fn say(words: &str) {
    writeln!(std::io::stderr(), "{words}").unwrap();
}

#[test]
fn wycheproof_cases_hold() {
    let Some(named) = std::env::var_os("OUBLI_WYCHEPROOF").filter(|named| !named.is_empty()) else {
        say("NOT RUN: Wycheproof's AES-256-GCM cases; OUBLI_WYCHEPROOF does not name them");
        return;
    };
    let report = run(&fs::read_to_string(find(Path::new(&named))).unwrap());
    say(&format!("Wycheproof AES-256-GCM: {report:?}"));
    assert!(report.failed.is_empty(), "cases {:?}", report.failed);
    assert!(report.valid > 0 && report.invalid > 0, "the file holds no case for AES-256-GCM");
}

#[test]
fn the_runner_tells_good_cases_from_bad() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let text = fs::read_to_string(find(&path)).unwrap();
    assert_eq!(run(&text), Report { valid: 3, invalid: 4, failed: Vec::new() });
    // Said of the wrong cases, the words must make the runner fail.
    let swapped = text
        .replace(r#""result": "valid""#, r#""result": "?""#)
        .replace(r#""result": "invalid""#, r#""result": "valid""#)
        .replace(r#""result": "?""#, r#""result": "invalid""#);
    let failed = vec![13, 14, 16, 101, 102, 103, 104];
    assert_eq!(run(&swapped), Report { valid: 0, invalid: 0, failed });
}
