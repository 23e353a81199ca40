//! A program that is its own compiler, as `oubli` is: it runs itself again to compile. Without the
//! harness of tests, which writes to the output that the code goes to.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::ExitCode;

use oubli_policy::manifest::embed;
use oubli_policy::{
    Allocation, Compiler, Host, HostOptions, Limits, LoadError, Manifest, Size, Trust,
    WorldProblem, compile_child_main,
};

/// What makes this program the child.
const CHILD: &str = "compile-plugin";

/// Its functions are not those of the contract, which only shows when it was compiled and started.
const COMPONENT: &str = r#"(component
    (core module $m (func (export "f") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (result u32) (canon lift (core func $i "f")))
    (instance $settings (export "validate-settings" (func $f)))
    (export "oubli:policy/settings@1.0.0" (instance $settings))
    (instance $guard (export "evaluate" (func $f)))
    (export "oubli:policy/guard@1.0.0" (instance $guard)))"#;

const MANIFEST: &str = r#"{
    "manifest": 1, "name": "fixture", "version": "1.0.0", "author": "Tests", "licence": "MIT",
    "interfaces": ["guard"], "settings-schema": true,
    "rules": [{"code": "rule", "title": "A duty", "kind": "must-keep"}]
}"#;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        return compile_child_main();
    }
    this_program_compiles_by_itself();
    ExitCode::SUCCESS
}

fn this_program_compiles_by_itself() {
    let directory = tempfile::tempdir().unwrap();
    let host = Host::new(HostOptions {
        limits: Limits::default(),
        compiler: Compiler::this_program([CHILD.into()]).unwrap(),
        cache: directory.path().join("code"),
        cache_key: [7; 32].into(),
        allocation: Allocation::Auto,
        metered: false,
    })
    .unwrap();
    let manifest = Manifest::parse(MANIFEST.as_bytes()).unwrap();
    let file = embed(&wat::parse_str(COMPONENT).unwrap(), &manifest).unwrap();
    let refused = host.load(&file, Trust::Anyone, Size::Usual).unwrap_err();
    assert!(
        matches!(refused, LoadError::WrongWorld { problem: WorldProblem::Shape, .. }),
        "{refused}"
    );
}
