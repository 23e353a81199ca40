//! Opening the root key, and making one at the first start.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, ensure};
use oubli_app::Databases;
use oubli_vault::{EnvironmentProvider, FileProvider, PassphraseProvider, RootKeyProvider};

use crate::config::{RootKey, Storage};

/// Opens the root key that the databases belong to. Where there is none and both databases are
/// empty, one is made; where a database holds anything, a missing key is an error and nothing is
/// touched.
///
/// # Errors
/// When the key is missing, unreadable, open to others, or lies among the databases.
pub(crate) async fn open(
    config: &RootKey,
    storage: &Storage,
    databases: &Databases,
) -> anyhow::Result<Arc<dyn RootKeyProvider>> {
    if let Some(text) = &config.from_environment {
        return Ok(Arc::new(EnvironmentProvider::parse(text).context("OUBLI_ROOT_KEY")?));
    }
    let file = &config.root_key_file;
    if storage.is_embedded() {
        ensure_apart(file, &storage.data_dir)?;
    }
    let first_start = !file.exists() && databases.are_empty().await?;
    if first_start {
        tracing::warn!(
            file = %file.display(),
            "made a new root key: back it up now, apart from the databases; without it nothing can be read"
        );
    }
    let opened = || format!("the root key {}", file.display());
    match &config.root_passphrase_file {
        None if first_start => Ok(Arc::new(FileProvider::create(file).with_context(opened)?)),
        None => Ok(Arc::new(FileProvider::open(file).with_context(opened)?)),
        Some(passphrase) => {
            let text = passphrase_of(passphrase)?;
            let file = file.clone();
            // argon2id takes a moment, on purpose.
            let provider = tokio::task::spawn_blocking(move || match first_start {
                true => PassphraseProvider::create(&file, &text),
                false => PassphraseProvider::open(&file, &text),
            })
            .await?
            .with_context(opened)?;
            Ok(Arc::new(provider))
        }
    }
}

fn passphrase_of(file: &Path) -> anyhow::Result<String> {
    use std::os::unix::fs::PermissionsExt as _;
    let named = || format!("the passphrase file {}", file.display());
    let mode = std::fs::metadata(file).with_context(named)?.permissions().mode();
    ensure!(mode & 0o077 == 0, "{} can be read by others: chmod 600 it", named());
    let text = std::fs::read_to_string(file).with_context(named)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A backup of the data folder must not carry the key that opens it.
fn ensure_apart(file: &Path, data_dir: &Path) -> anyhow::Result<()> {
    let folder = std::path::absolute(data_dir)?;
    let file = std::path::absolute(file)?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    ensure!(
        !file.starts_with(&folder)
            && !real(file.parent().unwrap_or(&file)).starts_with(real(&folder)),
        "the root key {} lies in the data folder: a backup of that folder would hold both; move it",
        file.display()
    );
    Ok(())
}
