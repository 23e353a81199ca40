//! A new policy: a crate that builds, with settings, a rule and golden cases.

use std::fs;
use std::io;
use std::path::Path;

use crate::BuildError;

/// Where the SDK is when nobody says: beside the service's code.
const SDK: &str = concat!(r#"{ git = ""#, env!("CARGO_PKG_REPOSITORY"), r#"" }"#);

/// The files, with `{name}`, `{crate}` and `{sdk}` for what differs.
const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("../template/Cargo.toml.in")),
    ("README.md", include_str!("../template/README.md.in")),
    ("policy.toml", include_str!("../template/policy.toml.in")),
    ("settings.schema.json", include_str!("../template/settings.schema.json")),
    ("src/lib.rs", include_str!("../template/src/lib.rs")),
    ("tests/golden.rs", include_str!("../template/golden.rs.in")),
    ("golden/retention.json", include_str!("../template/golden/retention.json")),
    ("golden/settings.json", include_str!("../template/golden/settings.json")),
];

/// Writes a new policy into a folder that does not exist yet. `name` must be one of a manifest: a
/// lower-case letter, then up to 62 lower-case letters, digits or `-`. `sdk` is the folder of the SDK;
/// its repository is named when there is nothing here.
///
/// # Errors
/// `File`, also when the folder exists, the name is none or a path is not UTF-8.
pub fn write(folder: &Path, name: &str, sdk: Option<&Path>) -> Result<(), BuildError> {
    let at = |path: &Path, source| BuildError::File { path: path.to_owned(), source };
    let sdk = dependency(name, sdk).map_err(|error| at(folder, error))?;
    fs::create_dir(folder).map_err(|error| at(folder, error))?;
    for part in ["src", "tests", "golden"] {
        let path = folder.join(part);
        fs::create_dir(&path).map_err(|error| at(&path, error))?;
    }
    for (file, text) in FILES {
        let path = folder.join(file);
        let text = text.replace("{name}", name).replace("{crate}", &name.replace('-', "_"));
        let text = text.replace("{sdk}", &sdk);
        fs::write(&path, text).map_err(|error| at(&path, error))?;
    }
    Ok(())
}

/// The dependency on the SDK, as it stands in `Cargo.toml`.
fn dependency(name: &str, sdk: Option<&Path>) -> io::Result<String> {
    let wrong = |text: &'static str| io::Error::new(io::ErrorKind::InvalidInput, text);
    let is_name = name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !is_name {
        let text = "a policy's name is a lower-case letter, then up to 62 lower-case letters, digits or `-`";
        return Err(wrong(text));
    }
    let Some(sdk) = sdk else { return Ok(SDK.to_owned()) };
    let sdk = sdk.canonicalize()?;
    let path = sdk.to_str().ok_or_else(|| wrong("the path of the SDK is not UTF-8"))?;
    let mut table = toml_edit::InlineTable::new();
    table.insert("path", path.into());
    Ok(table.to_string())
}
