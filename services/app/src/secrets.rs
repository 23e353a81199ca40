//! The secrets of the service itself: what signs access tokens, and the key behind every MAC.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use oubli_domain::Time;
use oubli_store::Db;
use oubli_store::keys::key_sets;
use oubli_store::keys::service_secrets::{self, ServiceSecret};
use oubli_vault::{
    MacKey, RootKeyProvider, SigningKey, VaultError, VerifyingKey, WrappedKey, open_service_secret,
    seal_service_secret,
};
use zeroize::Zeroizing;

use crate::auth::schedule::{self, Times};
use crate::error::{Error, Result};

const TOKEN_SIGNING: &str = "token-signing";
const MAC: &str = "mac";
/// The version of a secret that is made at the first start.
const FIRST: u32 = 1;

/// A key that signs access tokens, or did, or will.
#[derive(Debug)]
struct TokenKey {
    key: SigningKey,
    times: Times,
}

/// The unwrapped secrets of the service.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Oldest first; never empty.
    token_keys: Vec<TokenKey>,
    /// Client secrets, idempotency keys and download tokens are kept as MACs under this key; the
    /// domain label tells them apart.
    pub(crate) mac: MacKey,
}

impl Secrets {
    /// Opens the secrets, and makes those that are not there: at the first start, all.
    ///
    /// # Errors
    /// `RootKeyWrong` when the root key is not the one that wrapped them. Nothing is written then.
    pub(crate) async fn open(keys: &Db, root: &dyn RootKeyProvider, now: Time) -> Result<Self> {
        let mut stored = service_secrets::all(&mut keys.conn().await?).await?;
        for name in [TOKEN_SIGNING, MAC] {
            if stored.iter().all(|s| s.name != name) {
                create(keys, root, name, FIRST, now).await?;
                // Another node may have been first: what is stored is what counts.
                stored = service_secrets::all(&mut keys.conn().await?).await?;
            }
        }
        Self::of(root, &stored)
    }

    fn of(root: &dyn RootKeyProvider, stored: &[ServiceSecret]) -> Result<Self> {
        let missing = Error::Damaged("a service secret is missing");
        let mac = stored.iter().rfind(|secret| secret.name == MAC).ok_or(missing)?;
        Ok(Self {
            token_keys: token_keys(root, stored)?,
            mac: MacKey::from_secret(&unwrap(root, mac)?)?,
        })
    }

    /// The key that signs access tokens at this time.
    pub(crate) fn signing(&self, now: Time) -> &SigningKey {
        let times: Vec<Times> = self.token_keys.iter().map(|key| key.times).collect();
        &self.token_keys[schedule::signing(&times, now)].key
    }

    /// The keys whose tokens are accepted at this time: they are published.
    pub(crate) fn published(&self, now: Time) -> impl Iterator<Item = &VerifyingKey> {
        let published = move |key: &&TokenKey| key.times.is_published(now);
        self.token_keys.iter().filter(published).map(|key| key.key.verifying_key())
    }
}

fn token_keys(root: &dyn RootKeyProvider, stored: &[ServiceSecret]) -> Result<Vec<TokenKey>> {
    let rows: Vec<&ServiceSecret> = of_tokens(stored).collect();
    let made: Vec<Time> = rows.iter().map(|row| Time(row.created_at)).collect();
    let keys = rows.into_iter().zip(schedule::times(&made));
    let keys = keys.map(|(row, times)| {
        Ok(TokenKey { key: SigningKey::from_secret(&unwrap(root, row)?)?, times })
    });
    let keys: Vec<TokenKey> = keys.collect::<Result<_>>()?;
    if keys.is_empty() { Err(Error::Damaged("a service secret is missing")) } else { Ok(keys) }
}

/// The rows of the token-signing keys, oldest first.
pub(crate) fn of_tokens(stored: &[ServiceSecret]) -> impl Iterator<Item = &ServiceSecret> {
    stored.iter().filter(|secret| secret.name == TOKEN_SIGNING)
}

/// The secrets as this process holds them, and when it read them.
#[derive(Debug)]
pub(crate) struct HeldSecrets {
    held: RwLock<Arc<Secrets>>,
    read_at: AtomicI64,
}

impl HeldSecrets {
    pub(crate) fn new(secrets: Secrets, now: Time) -> Self {
        Self { held: RwLock::new(Arc::new(secrets)), read_at: AtomicI64::new(now.0) }
    }

    pub(crate) fn get(&self) -> Arc<Secrets> {
        // A value is replaced whole: a poisoned lock still guards a good one.
        Arc::clone(&self.held.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the secrets again when they were read `seconds` ago or longer; false when they are
    /// younger.
    ///
    /// # Errors
    /// When the database does not answer, or the root key is another; those held stay.
    pub(crate) async fn reload(
        &self,
        keys: &Db,
        root: &dyn RootKeyProvider,
        now: Time,
        seconds: i64,
    ) -> Result<bool> {
        let read_at = self.read_at.load(Ordering::SeqCst);
        // Also when the clock has stepped back since: nobody knows how old they are.
        let due = Time(read_at).plus_seconds(seconds) <= now || now < Time(read_at);
        // One call reads; the others go on with what is held.
        let exchanged = || {
            let order = Ordering::SeqCst;
            self.read_at.compare_exchange(read_at, now.0, order, order).is_ok()
        };
        if !due || !exchanged() {
            return Ok(false);
        }
        let stored = service_secrets::all(&mut keys.conn().await?).await?;
        let fresh = Arc::new(Secrets::of(root, &stored)?);
        *self.held.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(true)
    }
}

fn unwrap(root: &dyn RootKeyProvider, secret: &ServiceSecret) -> Result<Zeroizing<Vec<u8>>> {
    let version = number(secret.version)?;
    let wrapped =
        WrappedKey { root_version: number(secret.root_version)?, bytes: secret.wrapped.clone() };
    Ok(open_service_secret(root, &secret.name, version, &wrapped)?)
}

/// A secret wrapped under the provider's current version.
///
/// # Errors
/// When the root key does not open it, or the provider fails.
pub(crate) fn rewrap(root: &dyn RootKeyProvider, secret: &ServiceSecret) -> Result<WrappedKey> {
    let opened = unwrap(root, secret)?;
    Ok(seal_service_secret(root, &secret.name, number(secret.version)?, &opened)?)
}

/// Makes another token-signing key; false when somebody else was first.
///
/// # Errors
/// When the provider or the database fails.
pub(crate) async fn add_token_key(
    keys: &Db,
    root: &dyn RootKeyProvider,
    version: u32,
    now: Time,
) -> Result<bool> {
    create(keys, root, TOKEN_SIGNING, version, now).await
}

/// Deletes the token-signing keys whose last token has expired.
///
/// # Errors
/// When the database does not answer; the next turn goes on.
pub(crate) async fn purge_token_keys(keys: &Db, now: Time) -> Result<()> {
    let stored = service_secrets::all(&mut keys.conn().await?).await?;
    let rows: Vec<&ServiceSecret> = of_tokens(&stored).collect();
    let made: Vec<Time> = rows.iter().map(|row| Time(row.created_at)).collect();
    for (row, times) in rows.into_iter().zip(schedule::times(&made)) {
        if times.is_published(now) {
            // What is older decides when this one signs: keys go in their order.
            break;
        }
        let version = row.version;
        let deleted = keys.write("secrets.purge", move |tx| {
            Box::pin(async move { service_secrets::delete(tx, TOKEN_SIGNING, version).await })
        });
        deleted.await?;
    }
    Ok(())
}

fn number(stored: i64) -> Result<u32, VaultError> {
    u32::try_from(stored).map_err(|_| VaultError::UnknownVersion)
}

async fn create(
    keys: &Db,
    root: &dyn RootKeyProvider,
    name: &str,
    version: u32,
    now: Time,
) -> Result<bool> {
    let (secret, public_key) = match name {
        TOKEN_SIGNING => {
            let key = SigningKey::generate();
            (key.to_secret(), Some(key.verifying_key().as_bytes().to_vec()))
        }
        _ => (MacKey::generate().to_secret(), None),
    };
    let wrapped = seal_service_secret(root, name, version, secret.as_slice())?;
    let new = ServiceSecret {
        name: name.to_owned(),
        version: version.into(),
        root_version: wrapped.root_version.into(),
        wrapped: wrapped.bytes,
        public_key,
        created_at: now.0,
    };
    let written = keys.write("secrets.create", move |tx| {
        let new = new.clone();
        Box::pin(async move {
            let root = key_sets::hold_root(tx, new.root_version).await?;
            service_secrets::insert_if_absent(tx, &root, &new).await
        })
    });
    Ok(written.await?)
}
