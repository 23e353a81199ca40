//! An export as its receiver opens it.
#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::io::{Cursor, Read as _};

use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

/// An unpacked bundle.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Its parts but the manifest, in their order.
    pub parts: Vec<(String, Vec<u8>)>,
    /// Its manifest.
    pub manifest: Value,
}

impl Bundle {
    /// Unpacks a bundle and holds it against its manifest: the last part, which lists every other
    /// one with its length and SHA-256.
    #[must_use]
    pub fn open(zip: &[u8]) -> Self {
        let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a ZIP");
        let mut parts: Vec<(String, Vec<u8>)> = (0..archive.len())
            .map(|n| {
                let mut part = archive.by_index(n).expect("a part");
                let name = part.name().expect("a name").into_owned();
                let mut bytes = Vec::new();
                part.read_to_end(&mut bytes).expect("a whole part");
                (name, bytes)
            })
            .collect();
        let (name, manifest) = parts.pop().expect("a part");
        assert_eq!(name, "manifest.json");
        let manifest: Value = serde_json::from_slice(&manifest).expect("a JSON manifest");
        let bundle = Self { parts, manifest };
        bundle.check();
        bundle
    }

    fn check(&self) {
        let listed = self.manifest["parts"].as_array().expect("a list of parts");
        assert_eq!(listed.len(), self.parts.len());
        for (listed, (name, bytes)) in listed.iter().zip(&self.parts) {
            assert_eq!(listed["name"], **name);
            assert_eq!(listed["bytes"], bytes.len());
            assert_eq!(listed["sha256"], hex(&Sha256::digest(bytes)), "{name}");
        }
    }

    /// The names of the parts.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.parts.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// A part that is one JSON document.
    #[must_use]
    pub fn document(&self, name: &str) -> Value {
        serde_json::from_slice(self.part(name)).expect("a JSON document")
    }

    /// The rows of a part that has one JSON value a line.
    #[must_use]
    pub fn rows(&self, name: &str) -> Vec<Value> {
        let lines = self.part(name).split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).expect("a JSON row")).collect()
    }

    fn part(&self, name: &str) -> &[u8] {
        let found = self.parts.iter().find(|(known, _)| known == name);
        &found.unwrap_or_else(|| panic!("no part {name} among {:?}", self.names())).1
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}
