//! What `oubli policy new` writes is a policy whose tests pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use oubli_policy_build::{BuildError, manifest, template};

#[expect(unreachable_pub, reason = "it is a crate of its own")]
#[path = "../template/src/lib.rs"]
mod policy;

#[test]
fn its_cases_and_its_schema_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("template");
    oubli_policy_sdk::testing::assert_golden(&policy::PLUGIN, folder);
}

#[test]
fn it_is_written_whole_into_a_new_folder() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("tickets");
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk");
    template::write(&folder, "tickets-2", Some(&sdk)).unwrap();
    assert_eq!(manifest(&folder).unwrap().name, "tickets-2");
    let cargo = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let sdk = sdk.canonicalize().unwrap();
    assert!(cargo.contains("name = \"tickets-2\""));
    let test = std::fs::read_to_string(folder.join("tests/golden.rs")).unwrap();
    assert!(test.contains("&tickets_2::PLUGIN"), "{test}");
    assert!(cargo.contains(&format!("{{ path = {:?} }}", sdk.to_str().unwrap())), "{cargo}");
    oubli_policy_sdk::testing::assert_golden(&policy::PLUGIN, &folder);
}

#[test]
fn nothing_is_written_over_or_under_a_name_that_is_none() {
    let directory = tempfile::tempdir().unwrap();
    let exists = template::write(directory.path(), "tickets", None);
    assert!(matches!(exists, Err(BuildError::File { .. })));
    for name in ["", "Tickets", "2tickets", "tickets\"", "../tickets", &"t".repeat(64)] {
        let folder = directory.path().join("new");
        assert!(matches!(template::write(&folder, name, None), Err(BuildError::File { .. })));
        assert!(!folder.exists(), "{name}");
    }
}
