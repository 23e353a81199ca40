//! What the tests need to see of the store and nobody else may use.

use crate::statement::Statement;

/// The statements of every module that declares some. A test fails when one is missing here.
const MODULES: &[&[Statement]] = &[
    crate::apps::STATEMENTS,
    crate::clients::STATEMENTS,
    crate::data_maps::STATEMENTS,
    crate::idempotency::STATEMENTS,
    crate::jobs::STATEMENTS,
    crate::notices::STATEMENTS,
    crate::staff::sessions::STATEMENTS,
    crate::staff::users::STATEMENTS,
];

/// The name of every statement, its text for SQLite and its text for PostgreSQL.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str, &'static str)> {
    MODULES.iter().copied().flatten().map(|s| (s.name, s.lite, s.pg)).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use super::statements;

    #[test]
    fn every_module_with_statements_is_listed() {
        let listed: BTreeSet<String> = statements()
            .iter()
            .map(|(name, _, _)| name.rsplit_once("::").unwrap().0.to_owned())
            .collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let declaring: BTreeSet<String> = sources(&root)
            .into_iter()
            .filter(|file| {
                let text = std::fs::read_to_string(file).unwrap();
                text.lines().any(|line| line.starts_with("statements! {"))
            })
            .map(|file| module_path(file.strip_prefix(&root).unwrap()))
            .collect();
        assert_eq!(listed, declaring);
    }

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .collect()
    }

    fn module_path(file: &Path) -> String {
        let parts = file.with_extension("");
        let parts = parts.iter().map(|part| part.to_str().unwrap());
        let parts: Vec<_> = parts.filter(|part| *part != "mod").collect();
        format!("oubli_store::{}", parts.join("::"))
    }
}
