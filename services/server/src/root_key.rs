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
    let missing = !config.is_given() && !config.root_key_file.exists();
    let first_start = missing && databases.are_empty().await?;
    provider(config, storage, first_start).await
}

/// Opens the root key, or makes it at the first start.
///
/// # Errors
/// As [`open`].
pub(crate) async fn provider(
    config: &RootKey,
    storage: &Storage,
    first_start: bool,
) -> anyhow::Result<Arc<dyn RootKeyProvider>> {
    let from_environment = config.from_environment.as_ref().filter(|text| !text.is_empty());
    config.check()?;
    if let Some(text) = from_environment {
        return Ok(Arc::new(EnvironmentProvider::parse(text).context("OUBLI_ROOT_KEY")?));
    }
    let file = &config.root_key_file;
    ensure_apart("root key", file, storage)?;
    let opened = || format!("the root key {}", file.display());
    let provider: Arc<dyn RootKeyProvider> = match config.passphrase()? {
        None if first_start => Arc::new(FileProvider::create(file).with_context(opened)?),
        None => Arc::new(FileProvider::open(file).with_context(opened)?),
        Some(text) => {
            let file = file.clone();
            // argon2id takes a moment, on purpose.
            let provider = tokio::task::spawn_blocking(move || {
                if first_start {
                    PassphraseProvider::create(&file, &text)
                } else {
                    PassphraseProvider::open(&file, &text)
                }
            })
            .await?
            .with_context(opened)?;
            Arc::new(provider)
        }
    };
    if first_start {
        tracing::warn!(
            file = %file.display(),
            "made a new root key: back it up now, apart from the databases; without it nothing can be read"
        );
    }
    Ok(provider)
}

/// A backup of the data folder must not carry the key that opens it, nor a restore take back the
/// journal that it is to be held against.
///
/// # Errors
/// When `path` lies in the folder of the embedded databases.
pub(crate) fn ensure_apart(what: &str, path: &Path, storage: &Storage) -> anyhow::Result<()> {
    if !storage.is_embedded() {
        return Ok(());
    }
    let folder = std::path::absolute(&storage.data_dir)?;
    let path = std::path::absolute(path)?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let parent = path.parent().unwrap_or(&path);
    ensure!(
        !path.starts_with(&folder) && !real(parent).starts_with(real(&folder)),
        "the {what} {} lies in the data folder: a backup of that folder would hold both; move it",
        path.display()
    );
    Ok(())
}
