//! Checking an export bundle against its own manifest, as anyone who gets one could.

use std::collections::BTreeSet;
use std::io::{Cursor, Read as _};

use anyhow::{Context, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

const MANIFEST: &str = "manifest.json";

/// A part of a bundle that was found to be as the manifest says.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) bytes: usize,
    pub(super) text: String,
}

/// Opens a bundle and compares each part's length and SHA-256 with the manifest. Gives the parts
/// in the manifest's order.
///
/// # Errors
/// When a part is missing, not listed, or not as the manifest says.
pub(super) fn check(zip: &[u8]) -> anyhow::Result<Vec<Part>> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).context("the bundle is no ZIP")?;
    let manifest: Value = serde_json::from_str(&text(&mut archive, MANIFEST)?)?;
    let listed = manifest["parts"].as_array().context("the manifest lists no parts")?;
    let parts =
        listed.iter().map(|entry| part(&mut archive, entry)).collect::<anyhow::Result<Vec<_>>>()?;
    let present = archive.file_names().map(|name| Ok(name?.into_owned()));
    let present = present.collect::<anyhow::Result<BTreeSet<String>>>()?;
    let names = parts.iter().map(|part| part.name.clone()).chain([MANIFEST.to_owned()]);
    let names: BTreeSet<String> = names.collect();
    ensure!(names == present, "the manifest lists {names:?}, and the ZIP holds {present:?}");
    Ok(parts)
}

fn part(archive: &mut ZipArchive<Cursor<&[u8]>>, entry: &Value) -> anyhow::Result<Part> {
    let name = entry["name"].as_str().context("a part has no name")?;
    let text = text(archive, name)?;
    let (bytes, sha256) = (text.len(), hex(&Sha256::digest(text.as_bytes())));
    ensure!(entry["bytes"] == bytes, "{name} has {bytes} bytes, not {}", entry["bytes"]);
    ensure!(entry["sha256"] == *sha256, "{name} has the SHA-256 {sha256}, not {}", entry["sha256"]);
    Ok(Part { name: name.to_owned(), bytes, text })
}

fn text(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut file = archive.by_name(name).with_context(|| format!("the bundle has no {name}"))?;
    file.read_to_string(&mut text).with_context(|| format!("{name} cannot be read"))?;
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::{Cursor, Write as _};

    use serde_json::json;
    use sha2::{Digest, Sha256};
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::{check, hex};

    fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in parts {
            zip.start_file(*name, SimpleFileOptions::default()).unwrap();
            zip.write_all(text.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn manifest(name: &str, text: &str) -> String {
        let sha256 = hex(&Sha256::digest(text.as_bytes()));
        let part = json!({ "name": name, "bytes": text.len(), "sha256": sha256 });
        json!({ "parts": [part] }).to_string()
    }

    #[test]
    fn a_bundle_must_be_what_its_manifest_says() {
        let manifest = manifest("a.json", "{}");
        let parts = check(&zip(&[("a.json", "{}"), ("manifest.json", &manifest)])).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].bytes), ("a.json", 2));
        assert!(check(&zip(&[("a.json", "[]"), ("manifest.json", &manifest)])).is_err());
        assert!(check(&zip(&[("a.json", "{ }"), ("manifest.json", &manifest)])).is_err());
        assert!(check(&zip(&[("manifest.json", &manifest)])).is_err());
        let more = [("a.json", "{}"), ("b.json", "{}"), ("manifest.json", manifest.as_str())];
        assert!(check(&zip(&more)).is_err());
        assert!(check(b"no ZIP").is_err());
    }
}
