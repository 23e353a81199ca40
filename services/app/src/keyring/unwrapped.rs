//! The unwrapped keys of one app: what is made and opened with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use oubli_domain::identifier::{IdentifierType, NormalisedIdentifier};
use oubli_domain::{AppId, ClaimId, KeptItemId, SubjectId, Time};
use oubli_store::keys::app_keys::{AppSecret, WrappedAppKey};
use oubli_store::keys::blind_indexes::BlindIndex;
use oubli_store::keys::kept_keys::WrappedKeptKey;
use oubli_store::keys::subject_keys::WrappedDataKey;
use oubli_vault::{AppKey, DataKey, DataKeyName, IndexKey, KeyOwner, RootKeyProvider, SigningKey};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The name under which an app's log signing key is stored; its public half is published.
pub(crate) const LOG_SIGNING: &str = "log-signing";

const NO_INDEX: Error = Error::Damaged("an app has no index key");

/// The name under which an index key is stored.
pub(crate) fn index_name(kind: IdentifierType) -> String {
    format!("index:{kind}")
}

/// The unwrapped keys of one app, as they were at one revision.
#[derive(Debug)]
pub(crate) struct AppKeys {
    pub(super) app: AppId,
    pub(super) revision: i64,
    epochs: BTreeMap<u32, AppKey>,
    indexes: BTreeMap<IdentifierType, BTreeMap<i64, IndexKey>>,
    /// Signs certificates.
    pub(crate) log_signing: SigningKey,
}

impl AppKeys {
    /// The key of the newest epoch, which wraps new data keys.
    pub(crate) fn current(&self) -> Result<&AppKey> {
        let newest = self.epochs.last_key_value();
        newest.map(|(_, key)| key).ok_or(Error::Damaged("an app has no key"))
    }

    /// The revision at which these keys are in force: what is written under them holds it, see
    /// [`key_sets::hold`].
    pub(crate) fn revision(&self) -> i64 {
        self.revision
    }

    /// The blind indexes of an identifier, one for each version in force, oldest first. A write
    /// writes all of them.
    pub(crate) fn blind_indexes(
        &self,
        identifier: &NormalisedIdentifier,
    ) -> Result<Vec<BlindIndex>> {
        let kind = identifier.kind();
        let keys = self.indexes.get(&kind).ok_or(NO_INDEX)?;
        let index = |(version, key): (&i64, &IndexKey)| BlindIndex {
            kind,
            version: *version,
            value: key.blind_index(kind.as_str(), identifier.value().expose()),
        };
        Ok(keys.iter().map(index).collect())
    }

    /// The blind index by which an identifier is looked up: of the oldest version in force, the one
    /// that every identifier has.
    pub(crate) fn blind_index(&self, identifier: &NormalisedIdentifier) -> Result<BlindIndex> {
        self.blind_indexes(identifier)?.into_iter().next().ok_or(NO_INDEX)
    }

    /// A new data key for a subject, with its row, still pending.
    pub(crate) fn new_data_key(
        &self,
        subject: SubjectId,
        claim: ClaimId,
    ) -> Result<(Arc<DataKey>, WrappedDataKey)> {
        let app_key = self.current()?;
        let key = DataKey::generate(&self.app, subject)?;
        let row = WrappedDataKey {
            subject,
            claim,
            live: false,
            key_id: key.id(),
            key_version: key.version().into(),
            epoch: app_key.epoch().into(),
            wrapped: key.wrap(app_key)?,
            commitment: key.commitment().to_vec(),
        };
        Ok((Arc::new(key), row))
    }

    /// A data key from its row; none when its epoch is not among these keys.
    pub(crate) fn open_data_key(&self, row: &WrappedDataKey) -> Result<Option<DataKey>> {
        let Some(app_key) = self.epochs.get(&number(row.epoch)?) else { return Ok(None) };
        let name = DataKeyName {
            owner: KeyOwner::Subject(row.subject),
            key_id: row.key_id,
            version: number(row.key_version)?,
        };
        Ok(Some(DataKey::unwrap(app_key, name, &row.wrapped, &row.commitment)?))
    }

    /// A new key for what is kept of a record.
    pub(crate) fn new_kept_key(&self, item: KeptItemId) -> Result<WrappedKeptKey> {
        let app_key = self.current()?;
        let key = DataKey::generate(&self.app, KeyOwner::KeptItem(item.0))?;
        Ok(WrappedKeptKey {
            item,
            key_id: key.id(),
            key_version: key.version().into(),
            epoch: app_key.epoch().into(),
            wrapped: key.wrap(app_key)?,
            commitment: key.commitment().to_vec(),
        })
    }

    /// The key of a kept item from its row; none when its epoch is not among these keys.
    pub(crate) fn open_kept_key(&self, row: &WrappedKeptKey) -> Result<Option<DataKey>> {
        let Some(app_key) = self.epochs.get(&number(row.epoch)?) else { return Ok(None) };
        let name = DataKeyName {
            owner: KeyOwner::KeptItem(row.item.0),
            key_id: row.key_id,
            version: number(row.key_version)?,
        };
        Ok(Some(DataKey::unwrap(app_key, name, &row.wrapped, &row.commitment)?))
    }

    /// The epochs whose keys these are, oldest first.
    pub(crate) fn epoch_numbers(&self) -> impl Iterator<Item = u32> {
        self.epochs.keys().copied()
    }

    /// A secret of the app.
    pub(crate) fn open_secret(&self, row: &AppSecret) -> Result<Zeroizing<Vec<u8>>> {
        open_secret(&self.epochs, row)
    }

    /// The versions of an index that are in force, oldest first.
    pub(crate) fn index_versions(&self, kind: IdentifierType) -> impl Iterator<Item = i64> {
        self.indexes.get(&kind).into_iter().flat_map(|keys| keys.keys().copied())
    }

    /// The oldest and the newest version of an index that are in force.
    pub(crate) fn index_range(&self, kind: IdentifierType) -> Result<(i64, i64)> {
        let oldest = self.index_versions(kind).min().ok_or(NO_INDEX)?;
        Ok((oldest, self.index_versions(kind).max().unwrap_or(oldest)))
    }
}

fn number(stored: i64) -> Result<u32> {
    u32::try_from(stored).map_err(|_| Error::Damaged("a version in the keys database"))
}

/// The secrets of a new app, wrapped under its first key.
pub(super) fn new_secrets(key: &AppKey, now: Time) -> Result<Vec<AppSecret>> {
    let signing = SigningKey::generate();
    let log = AppSecret {
        name: LOG_SIGNING.to_owned(),
        version: 1,
        epoch: key.epoch().into(),
        wrapped: key.seal_secret(LOG_SIGNING, 1, signing.to_secret().as_slice())?,
        public_key: Some(signing.verifying_key().as_bytes().to_vec()),
        created_at: now.0,
    };
    let mut secrets = vec![log];
    for kind in IdentifierType::ALL {
        let name = index_name(*kind);
        let wrapped = key.seal_secret(&name, 1, IndexKey::generate().to_secret().as_slice())?;
        let epoch = key.epoch().into();
        secrets.push(AppSecret {
            name,
            version: 1,
            epoch,
            wrapped,
            public_key: None,
            created_at: now.0,
        });
    }
    Ok(secrets)
}

/// The keys of an app from its rows.
///
/// # Errors
/// When one does not open, or is missing.
pub(super) fn open_app(
    root: &dyn RootKeyProvider,
    app: &AppId,
    revision: i64,
    wrapped: &[WrappedAppKey],
    secrets: &[AppSecret],
) -> Result<AppKeys> {
    let mut epochs = BTreeMap::new();
    for row in wrapped {
        let epoch = number(row.epoch)?;
        let root_version = number(row.root_version)?;
        epochs.insert(epoch, AppKey::unwrap(root, app, epoch, root_version, &row.wrapped)?);
    }
    let mut indexes = BTreeMap::new();
    for kind in IdentifierType::ALL {
        let mut versions = BTreeMap::new();
        let name = index_name(*kind);
        for row in secrets.iter().filter(|row| row.name == name) {
            versions.insert(row.version, IndexKey::from_secret(&open_secret(&epochs, row)?)?);
        }
        indexes.insert(*kind, versions);
    }
    let log = secrets.iter().rfind(|row| row.name == LOG_SIGNING);
    let log = log.ok_or(Error::Damaged("a secret of an app is missing"))?;
    let log_signing = SigningKey::from_secret(&open_secret(&epochs, log)?)?;
    Ok(AppKeys { app: app.clone(), revision, epochs, indexes, log_signing })
}

fn open_secret(epochs: &BTreeMap<u32, AppKey>, row: &AppSecret) -> Result<Zeroizing<Vec<u8>>> {
    let key = epochs.get(&number(row.epoch)?);
    let key = key.ok_or(Error::Damaged("the epoch of an app's secret"))?;
    Ok(key.open_secret(&row.name, number(row.version)?, &row.wrapped)?)
}
