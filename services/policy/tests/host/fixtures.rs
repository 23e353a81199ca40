//! Guests, hosts and batches.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use oubli_domain::{AppId, Day};
use oubli_policy::manifest::embed;
use oubli_policy::{
    Allocation, Batch, Compiler, Context, Host, HostOptions, Item, ItemFlags, Limits, Manifest,
    Plugin, Size, Trust,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Today in all tests; codes of the hostile guest lie far before it.
pub(crate) const TODAY: Day = Day(20_000);

/// A host, and the directory that it keeps code in.
pub(crate) struct Bench {
    pub(crate) host: Host,
    pub(crate) directory: TempDir,
}

pub(crate) fn bench() -> Bench {
    bench_with(|_| ())
}

/// A host with some options changed. Times are long, since others may use the processor.
pub(crate) fn bench_with(change: impl FnOnce(&mut HostOptions)) -> Bench {
    let directory = TempDir::new().unwrap();
    let host = Host::new(options(&directory.path().join("code"), change)).unwrap();
    Bench { host, directory }
}

pub(crate) fn options(cache: &Path, change: impl FnOnce(&mut HostOptions)) -> HostOptions {
    let limits = Limits {
        chunk_time: Duration::from_secs(10),
        single_time: Duration::from_secs(10),
        ..Limits::default()
    };
    let mut options = HostOptions {
        limits,
        compiler: Compiler::new(env!("CARGO_BIN_EXE_oubli-policy-compile"), []),
        cache: cache.to_owned(),
        cache_key: [7; 32].into(),
        allocation: Allocation::Auto,
        metered: false,
    };
    change(&mut options);
    options
}

impl Bench {
    pub(crate) fn load(&self, file: &[u8]) -> Plugin {
        self.host.load(file, Trust::Anyone, Size::Usual).unwrap()
    }

    pub(crate) fn hostile(&self) -> Plugin {
        self.load(hostile())
    }
}

pub(crate) fn context() -> Context {
    Context {
        today: TODAY,
        app: AppId::new("shop").unwrap(),
        jurisdiction: "FR".to_owned(),
        data_map: [1; 32],
    }
}

/// A manifest that declares these interfaces.
pub(crate) fn manifest(interfaces: &[&str]) -> Value {
    json!({
        "manifest": 1, "name": "fixture", "version": "1.0.0", "author": "Tests", "licence": "MIT",
        "interfaces": interfaces,
        "rules": [
            {"code": "rule", "title": "A duty", "kind": "must-keep"},
            {"code": "limit", "title": "A limit", "kind": "limit"}
        ],
        "settings-schema": {
            "type": "object", "properties": {"code": {"type": "integer", "maximum": 50}}
        }
    })
}

/// The component with a manifest in it.
pub(crate) fn with_manifest(component: &[u8], manifest: &Value) -> Vec<u8> {
    let manifest = Manifest::parse(manifest.to_string().as_bytes()).unwrap();
    embed(component, &manifest).unwrap()
}

/// A world with more than the contract asks for, as toolchains make them.
const EXTRA: &str = "package tests:extra;
    world extra {
        export oubli:policy/settings@1.0.0;
        export oubli:policy/guard@1.0.0;
        export run: func();
    }";

/// A core module as a component of a world of the contract, or of the world `extra`.
pub(crate) fn component(core: &[u8], world: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/wit");
    let (policy, _) = resolve.push_dir(wit).unwrap();
    let extra = resolve.push_str("extra.wit", EXTRA).unwrap();
    let package = if world == "extra" { extra } else { policy };
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let mut core = core.to_vec();
    embed_component_metadata(&mut core, &resolve, world, StringEncoding::UTF8).unwrap();
    encode(&core)
}

/// A core module that says which world it is of as a component.
pub(crate) fn encode(core: &[u8]) -> Vec<u8> {
    ComponentEncoder::default().module(core).unwrap().validate(true).encode().unwrap()
}

/// The guest of `hostile.wat`, with every interface.
pub(crate) fn hostile() -> &'static [u8] {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| full(include_str!("hostile.wat")))
}

/// A core module's text as a plugin with every interface.
pub(crate) fn full(text: &str) -> Vec<u8> {
    let core = wat::parse_str(text).unwrap();
    with_manifest(&component(&core, "full-policy"), &manifest(&["retention", "guard", "audit"]))
}

/// `hostile.wat` with something more in its module.
pub(crate) fn hostile_text_with(more: &str) -> String {
    let text = include_str!("hostile.wat").trim_end();
    format!("{}{more})", text.strip_suffix(')').unwrap())
}

/// An item of which all but category and day of creation is empty.
pub(crate) fn item(category: &str, created: i32) -> Item<'_> {
    Item {
        category,
        created: Day(created),
        last_contact: None,
        closed: None,
        clock_start: None,
        flags: ItemFlags::default(),
    }
}

/// Items for the hostile guest.
pub(crate) fn codes(codes: impl IntoIterator<Item = i32>) -> Batch {
    let mut batch = Batch::new();
    for code in codes {
        batch.push(item("profile", code), []);
    }
    batch
}
