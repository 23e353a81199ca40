//! The secrets of the service itself: what signs access tokens, and the key behind every MAC.

use oubli_domain::Time;
use oubli_store::Db;
use oubli_store::keys::key_sets;
use oubli_store::keys::service_secrets::{self, ServiceSecret};
use oubli_vault::{
    MacKey, RootKeyProvider, SigningKey, VaultError, WrappedKey, open_service_secret,
    seal_service_secret,
};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

const TOKEN_SIGNING: &str = "token-signing";
const MAC: &str = "mac";

/// The unwrapped secrets of the service.
#[derive(Debug)]
pub(crate) struct Secrets {
    /// Signs access tokens.
    pub(crate) token_signing: SigningKey,
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
                create(keys, root, name, now).await?;
                // Another node may have been first: what is stored is what counts.
                stored = service_secrets::all(&mut keys.conn().await?).await?;
            }
        }
        Ok(Self {
            token_signing: SigningKey::from_secret(&unwrap(root, &stored, TOKEN_SIGNING)?)?,
            mac: MacKey::from_secret(&unwrap(root, &stored, MAC)?)?,
        })
    }
}

fn unwrap(
    root: &dyn RootKeyProvider,
    stored: &[ServiceSecret],
    name: &str,
) -> Result<Zeroizing<Vec<u8>>> {
    let secret = stored
        .iter()
        .rfind(|s| s.name == name)
        .ok_or(Error::Damaged("a service secret is missing"))?;
    let version = number(secret.version)?;
    let wrapped =
        WrappedKey { root_version: number(secret.root_version)?, bytes: secret.wrapped.clone() };
    Ok(open_service_secret(root, name, version, &wrapped)?)
}

fn number(stored: i64) -> Result<u32, VaultError> {
    u32::try_from(stored).map_err(|_| VaultError::UnknownVersion)
}

async fn create(keys: &Db, root: &dyn RootKeyProvider, name: &str, now: Time) -> Result<()> {
    let (secret, public_key) = match name {
        TOKEN_SIGNING => {
            let key = SigningKey::generate();
            (key.to_secret(), Some(key.verifying_key().as_bytes().to_vec()))
        }
        _ => (MacKey::generate().to_secret(), None),
    };
    let wrapped = seal_service_secret(root, name, 1, secret.as_slice())?;
    let new = ServiceSecret {
        name: name.to_owned(),
        version: 1,
        root_version: wrapped.root_version.into(),
        wrapped: wrapped.bytes,
        public_key,
    };
    let written = keys.write("secrets.create", move |tx| {
        let new = new.clone();
        Box::pin(async move {
            let root = key_sets::hold_root(tx, new.root_version).await?;
            service_secrets::insert_if_absent(tx, &root, &new, now).await
        })
    });
    Ok(written.await?)
}
