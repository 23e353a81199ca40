//! Files that are not loaded, and why.

use std::fmt::Write as _;
use std::time::Duration;

use oubli_policy::manifest::ManifestError;
use oubli_policy::signature::{public_key, sign};
use oubli_policy::{
    Compiler, Digest, LoadError, RunError, SignatureError, Size, Trust, WorldProblem,
};

use crate::fixtures::{
    Bench, bench, bench_with, component, full, hostile, hostile_text_with, manifest, with_manifest,
};

fn refused(bench: &Bench, file: &[u8]) -> LoadError {
    bench.host.load(file, Trust::Anyone, Size::Usual).unwrap_err()
}

fn text(component: &str) -> Vec<u8> {
    wat::parse_str(component).unwrap()
}

/// A component whose functions are not those of the contract.
const MISSHAPEN: &str = r#"(component
    (core module $m (func (export "f") (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (result u32) (canon lift (core func $i "f")))
    (instance $settings (export "validate-settings" (func $f)))
    (export "oubli:policy/settings@1.0.0" (instance $settings))
    (instance $retention (export "evaluate" (func $f)))
    (export "oubli:policy/retention@1.0.0" (instance $retention)))"#;

#[test]
fn what_is_no_component_is_refused_before_anything_is_compiled() {
    let bench = bench_with(|options| options.compiler = Compiler::new("/bin/false", []));
    let engine = wasmtime::Engine::default();
    let compiled = engine.precompile_component(hostile()).unwrap();
    assert!(matches!(refused(&bench, &compiled), LoadError::Precompiled));
    assert!(matches!(refused(&bench, &text("(module)")), LoadError::NotComponent));
    for file in [b"".as_slice(), b"\0asm", b"#!/bin/sh", &[0xff; 100]] {
        assert!(matches!(refused(&bench, file), LoadError::Invalid { .. }), "{file:?}");
    }
    let file = hostile();
    for end in (0..file.len()).step_by(61) {
        let error = refused(&bench, &file[..end]);
        assert!(matches!(error, LoadError::Invalid { .. } | LoadError::BadManifest(_)), "{error}");
    }
}

#[test]
fn a_file_beyond_the_limit_is_refused_unread() {
    let bench = bench_with(|options| options.limits.component_bytes = 1_000);
    assert!(matches!(refused(&bench, &[0; 1_001]), LoadError::TooLarge { limit: 1_000 }));
    assert!(matches!(refused(&bench, &[0; 1_000]), LoadError::Invalid { .. }));
}

#[test]
fn features_that_differ_between_machines_are_refused() {
    let bench = bench();
    let features = [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(func (param v128 v128) (result v128)
            (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))",
        "(type (struct (field i32)))",
    ];
    for feature in features {
        let file = text(&format!("(component (core module {feature}))"));
        let file = with_manifest(&file, &manifest(&["retention"]));
        assert!(matches!(refused(&bench, &file), LoadError::Invalid { .. }), "{feature}");
    }
}

#[test]
fn every_import_but_types_is_refused() {
    let bench = bench();
    let imports = [
        r#"(import "wasi:clocks/wall-clock@0.2.0" (instance (export "now" (func (result u64)))))"#,
        r#"(import "now" (func (result u64)))"#,
        r#"(import "handle" (type (sub resource)))"#,
        r#"(import "wasi:io/streams@0.2.0" (instance (export "stream" (type (sub resource)))))"#,
        r#"(import "module" (core module))"#,
    ];
    for import in imports {
        let file = text(&format!("(component {import})"));
        let file = with_manifest(&file, &manifest(&["retention"]));
        match refused(&bench, &file) {
            LoadError::ImportDenied { name } => assert!(import.contains(&name), "{name}"),
            other => panic!("{import}: {other}"),
        }
    }
}

#[test]
fn exports_are_those_that_the_manifest_declares() {
    let bench = bench();
    let core = text(include_str!("hostile.wat"));
    let cases = [
        (component(&core, "guard-policy"), vec!["guard", "audit"], "audit", WorldProblem::Missing),
        (component(&core, "schedule-policy"), vec!["guard"], "retention", WorldProblem::Undeclared),
        (text("(component)"), vec!["guard"], "settings", WorldProblem::Missing),
        (text(MISSHAPEN), vec!["retention"], "settings", WorldProblem::Shape),
    ];
    for (file, declared, wrong, expected) in cases {
        match refused(&bench, &with_manifest(&file, &manifest(&declared))) {
            LoadError::WrongWorld { interface, problem } => {
                assert_eq!((interface, problem), (wrong, expected));
            }
            other => panic!("{wrong}: {other}"),
        }
    }
    // What toolchains add beside is tolerated.
    let more = text(&hostile_text_with("(func (export \"run\"))"));
    let more = component(&more, "extra");
    bench.load(&with_manifest(&more, &manifest(&["guard"])));
}

#[test]
fn a_manifest_is_needed() {
    let bench = bench();
    let bare = component(&text(include_str!("hostile.wat")), "guard-policy");
    let missing = refused(&bench, &bare);
    assert!(matches!(missing, LoadError::BadManifest(ManifestError::Missing)));
    let file = with_manifest(&bare, &manifest(&["guard"]));
    let twice = [file.as_slice(), &file[bare.len()..]].concat();
    assert!(matches!(refused(&bench, &twice), LoadError::BadManifest(ManifestError::Twice)));
}

#[test]
fn only_what_a_trusted_key_signed_is_loaded() {
    let bench = bench();
    let (file, secret) = (hostile(), [3; 32]);
    let (keys, digest) = ([public_key(&secret)], Digest::of(file));
    let signature = sign(&secret, digest);
    let load = |file: &[u8], signature, keys| {
        bench.host.load(file, Trust::Signed { signature, keys }, Size::Usual)
    };
    assert_eq!(load(file, Some(&signature), &keys).unwrap().digest(), digest);
    assert!(matches!(load(file, None, &keys), Err(LoadError::Unsigned)));
    let strange = load(file, Some(&signature), &[]);
    assert!(matches!(strange, Err(LoadError::Signature(SignatureError::UnknownKey))));
    let mut changed = file.to_vec();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(load(&changed, Some(&signature), &keys), Err(LoadError::DigestMismatch)));
    let known = bench.host.load(&changed, Trust::Known(digest), Size::Usual);
    assert!(matches!(known, Err(LoadError::DigestMismatch)));
    assert!(bench.host.load(file, Trust::Known(digest), Size::Usual).is_ok());
}

#[test]
fn a_start_function_is_bounded_too() {
    let time = Duration::from_millis(300);
    let bench = bench_with(|options| options.limits.chunk_time = time);
    let starts = [
        ("(loop $l (br $l))", RunError::Timeout { limit: "chunk_time", value: time }),
        ("(unreachable)", RunError::Trap),
        ("(drop (call $deep (i32.const 0)))", RunError::Stack { value: 512 * 1024 }),
    ];
    for (body, expected) in starts {
        let start = format!("(func $begin {body}) (start $begin)");
        match refused(&bench, &full(&hostile_text_with(&start))) {
            LoadError::DoesNotStart(error) => assert_eq!(error, expected),
            other => panic!("{body}: {other}"),
        }
    }
}

/// A function that is small as a file and costs the compiler much.
fn bomb() -> Vec<u8> {
    let mut body = String::new();
    for n in 0..40_000 {
        let (a, b, c) = (n % 50, (n * 7) % 50, (n * 13) % 50);
        write!(
            body,
            "(if (local.get {a}) (then (local.set {b} (i32.mul (local.get {c}) (local.get {a})))))"
        )
        .unwrap();
    }
    let locals = "(local i32)".repeat(50);
    full(&hostile_text_with(&format!("(func (export \"bomb\") {locals} {body})")))
}

#[test]
fn a_compile_bomb_is_bounded_in_time_and_memory() {
    let bomb = bomb();
    assert!(bomb.len() < 1024 * 1024);
    let short = bench_with(|options| options.limits.compile_time = Duration::from_millis(500));
    match refused(&short, &bomb) {
        LoadError::CompileLimit { limit: "compile_time", .. } => {}
        other => panic!("{other}"),
    }
    let small = bench_with(|options| options.limits.compile_memory = 64 * 1024 * 1024);
    match refused(&small, &bomb) {
        LoadError::CompileLimit { limit: "compile_memory", value } => assert_eq!(value, 67_108_864),
        other => panic!("{other}"),
    }
    // The host goes on.
    small.hostile();
}

#[test]
fn a_compiling_process_that_hangs_or_lies_is_ended_and_believed_nothing() {
    let with = |program: &str, arguments: &[&str]| {
        let compiler = Compiler::new(program, arguments.iter().map(Into::into));
        bench_with(|options| {
            options.compiler = compiler;
            options.limits.compile_time = Duration::from_millis(500);
        })
    };
    let hanging = refused(&with("/bin/sleep", &["1000"]), hostile());
    assert!(matches!(hanging, LoadError::CompileLimit { limit: "compile_time", .. }));
    let silent = refused(&with("/bin/sh", &["-c", "exec >&-; sleep 1000"]), hostile());
    assert!(matches!(silent, LoadError::CompileLimit { limit: "compile_time", .. }));
    // One that gives the file back, one that gives nothing, one that is not there.
    for (program, arguments) in
        [("/bin/cat", [].as_slice()), ("/bin/true", &[]), ("/bin/false", &[]), ("/bin/none", &[])]
    {
        let bench = with(program, arguments);
        assert!(matches!(refused(&bench, hostile()), LoadError::Host(_)), "{program}");
        let kept = std::fs::read_dir(bench.directory.path().join("code")).unwrap().count();
        assert_eq!(kept, 0, "{program}");
    }
}
