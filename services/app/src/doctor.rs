//! Whether both databases and the root key belong together, asked without opening the service. It
//! reads only, and works beside a running service.

use std::collections::HashSet;

use oubli_domain::AppId;
use oubli_store::keys::{service_secrets, subject_keys};
use oubli_store::{apps, doctor};
use oubli_vault::{RootKeyProvider, WrappedKey, open_service_secret};

use crate::error::{Error, Result};
use crate::oubli::Databases;

/// How many of the newest subjects of each app are looked at.
const SUBJECTS: i64 = 200;
/// How many apps are looked at in one read.
const APPS: i64 = 100;

/// What a look at the keys of the newest subjects found.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct KeyCoverage {
    /// How many subjects were looked at.
    pub looked_at: usize,
    /// How many of them have no data key: `keys` is older than `data`.
    pub without_key: usize,
}

/// Looks for the data keys of the newest subjects of every app. A restored copy of `keys` that is
/// older than `data` lacks the newest first.
///
/// # Errors
/// When a database does not answer.
pub async fn key_coverage(databases: &Databases) -> Result<KeyCoverage> {
    let mut found = KeyCoverage::default();
    let mut after: Option<AppId> = None;
    loop {
        let page = apps::list(&mut databases.data.conn().await?, after.as_ref(), APPS).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.app.clone());
        for app in &page {
            let of_app = coverage_of(databases, &app.app).await?;
            found.looked_at += of_app.looked_at;
            found.without_key += of_app.without_key;
        }
    }
}

async fn coverage_of(databases: &Databases, app: &AppId) -> Result<KeyCoverage> {
    let mut data = databases.data.conn().await?;
    let subjects = doctor::newest_subjects(&mut data, app, SUBJECTS).await?;
    let mut keys = databases.keys.conn().await?;
    let mut missing = HashSet::new();
    for subject in &subjects {
        if subject_keys::get(&mut keys, app, *subject).await?.is_none() {
            missing.insert(*subject);
        }
    }
    // Those that an erasure took between the two reads are no longer in data.
    if !missing.is_empty() {
        let still: HashSet<_> =
            doctor::newest_subjects(&mut data, app, SUBJECTS).await?.into_iter().collect();
        missing.retain(|subject| still.contains(subject));
    }
    Ok(KeyCoverage { looked_at: subjects.len(), without_key: missing.len() })
}

/// Opens the secrets of the service with a root key, and gives how many there are: none before the
/// first start.
///
/// # Errors
/// `RootKeyWrong` when it is not the root key that the databases belong to.
pub async fn opened_by(databases: &Databases, root: &dyn RootKeyProvider) -> Result<usize> {
    let secrets = service_secrets::all(&mut databases.keys.conn().await?).await?;
    let number = |n: i64| u32::try_from(n).map_err(|_| Error::Damaged("service_secrets"));
    for secret in &secrets {
        let wrapped = WrappedKey {
            root_version: number(secret.root_version)?,
            bytes: secret.wrapped.clone(),
        };
        open_service_secret(root, &secret.name, number(secret.version)?, &wrapped)?;
    }
    Ok(secrets.len())
}
