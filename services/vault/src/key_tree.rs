//! The key tree: the root key wraps app keys (one for each epoch of an app), an app key wraps the
//! data keys of its subjects and the app's named secrets. Each wrapping is bound to what it is
//! for, so that a wrapped key moved to another row does not open.

use std::fmt;

use oubli_domain::{AppId, RequestId, SubjectId};
use subtle::ConstantTimeEq;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::aead::Cipher;
use crate::error::VaultError;
use crate::framing::Frame;
use crate::root::RootKeyProvider;
use crate::secret::{Secret, fill_random};
use crate::service_secret::{WrappedKey, wrap_under};

/// The key of an app in one epoch. It wraps the app's data keys and named secrets.
pub struct AppKey {
    app: AppId,
    epoch: u32,
    secret: Secret,
    cipher: Cipher,
}

impl AppKey {
    /// A new random key.
    #[must_use]
    pub fn generate(app: &AppId, epoch: u32) -> Self {
        Self::of(app, epoch, Secret::generate())
    }

    fn of(app: &AppId, epoch: u32, secret: Secret) -> Self {
        let cipher = Cipher::of(&secret);
        Self { app: app.clone(), epoch, secret, cipher }
    }

    /// The app whose key it is.
    #[must_use]
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// The epoch of the app that the key belongs to.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    fn aad(app: &AppId, epoch: u32) -> Frame {
        Frame::new("oubli/app-key/v1").part(app.as_str().as_bytes()).part(&epoch.to_be_bytes())
    }

    /// Wraps the key under the current root key, bound to app and epoch.
    ///
    /// # Errors
    /// What the provider answers.
    pub fn wrap(&self, root: &dyn RootKeyProvider) -> Result<WrappedKey, VaultError> {
        wrap_under(root, &Self::aad(&self.app, self.epoch), self.secret.expose())
    }

    /// Unwraps the key of `app` and `epoch`.
    ///
    /// # Errors
    /// `RootVersionUnknown`; `RootKeyWrong` when the root key is another or the wrapped key was
    /// made for another app or epoch.
    pub fn unwrap(
        root: &dyn RootKeyProvider,
        app: &AppId,
        epoch: u32,
        root_version: u32,
        bytes: &[u8],
    ) -> Result<Self, VaultError> {
        let secret = root.unwrap(root_version, Self::aad(app, epoch).as_bytes(), bytes)?;
        Ok(Self::of(app, epoch, Secret::from_slice(&secret)?))
    }

    /// Seals a secret of the app, such as an index key or its log's signing key, bound to app,
    /// epoch, name and version.
    ///
    /// # Errors
    /// `TooLong` above 64 GiB.
    pub fn seal_secret(
        &self,
        name: &str,
        version: u32,
        secret: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        self.cipher.seal(self.epoch, self.secret_aad(name, version).as_bytes(), secret)
    }

    /// Opens what [`AppKey::seal_secret`] sealed under the same name and version.
    ///
    /// # Errors
    /// As [`DataKey::open`].
    pub fn open_secret(
        &self,
        name: &str,
        version: u32,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.cipher.open(self.epoch, self.secret_aad(name, version).as_bytes(), sealed)
    }

    fn secret_aad(&self, name: &str, version: u32) -> Frame {
        Frame::new("oubli/app-secret/v1")
            .part(self.app.as_str().as_bytes())
            .part(&self.epoch.to_be_bytes())
            .part(name.as_bytes())
            .part(&version.to_be_bytes())
    }
}

impl fmt::Debug for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppKey")
            .field("app", &self.app)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

/// Whom a data key belongs to. What an erasure leaves behind has keys of its own, so that it can
/// be destroyed by itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum KeyOwner {
    /// A person's data.
    Subject(SubjectId),
    /// What a request still needs once the subject is gone: contact, identifiers for recipients.
    Request(RequestId),
    /// One item that a duty or hold keeps.
    KeptItem(Uuid),
}

impl KeyOwner {
    pub(crate) fn frame(self, frame: Frame) -> Frame {
        let (kind, id) = match self {
            Self::Subject(id) => ("subject", id.0),
            Self::Request(id) => ("request", id.0),
            Self::KeptItem(id) => ("kept-item", id),
        };
        frame.part(kind.as_bytes()).part(id.as_bytes())
    }
}

impl From<SubjectId> for KeyOwner {
    fn from(id: SubjectId) -> Self {
        Self::Subject(id)
    }
}

impl From<RequestId> for KeyOwner {
    fn from(id: RequestId) -> Self {
        Self::Request(id)
    }
}

/// What names a data key within an app; stored beside the wrapped key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct DataKeyName {
    /// Whom it belongs to.
    pub owner: KeyOwner,
    /// Its random id.
    pub key_id: Uuid,
    /// Counts the data keys of one owner, from [`DataKey::FIRST_VERSION`].
    pub version: u32,
}

/// The key of one person's data (or of what [`KeyOwner`] says), 256 bits.
///
/// HKDF-SHA256 makes three of it: the encryption key, the commitment, and the link key behind
/// [`DataKey::subject_ref`].
pub struct DataKey {
    app: AppId,
    name: DataKeyName,
    secret: Secret,
    cipher: Cipher,
    link: Secret,
    commitment: [u8; 32],
}

impl DataKey {
    /// The version of an owner's first data key.
    pub const FIRST_VERSION: u32 = 1;

    /// A new random key with a new random id.
    ///
    /// # Errors
    /// None in practice: `Derivation` if HKDF refuses 32 bytes.
    pub fn generate(app: &AppId, owner: impl Into<KeyOwner>) -> Result<Self, VaultError> {
        let mut random = [0; 16];
        fill_random(&mut random);
        let key_id = uuid::Builder::from_random_bytes(random).into_uuid();
        let name = DataKeyName { owner: owner.into(), key_id, version: Self::FIRST_VERSION };
        Self::of(app, name, Secret::generate())
    }

    fn of(app: &AppId, name: DataKeyName, secret: Secret) -> Result<Self, VaultError> {
        let cipher = Cipher::of(&secret.derive("oubli/data-key/v1/encryption")?);
        let link = secret.derive("oubli/data-key/v1/link")?;
        // AES-GCM does not commit to its key: one ciphertext can be made to open under two. The
        // commitment pins which key a row was written with.
        let commitment = *secret.derive("oubli/data-key/v1/commitment")?.expose();
        Ok(Self { app: app.clone(), name, secret, cipher, link, commitment })
    }

    /// The app that the key belongs to.
    #[must_use]
    pub fn app(&self) -> &AppId {
        &self.app
    }

    /// What names the key within its app, to be stored beside the wrapped key.
    #[must_use]
    pub fn name(&self) -> DataKeyName {
        self.name
    }

    /// Whom the key belongs to.
    #[must_use]
    pub fn owner(&self) -> KeyOwner {
        self.name.owner
    }

    /// The key's random id.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.name.key_id
    }

    /// The key's version, which stands in each ciphertext.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.name.version
    }

    pub(crate) fn cipher(&self) -> &Cipher {
        &self.cipher
    }

    /// The value to store beside the wrapped key and to hand to [`DataKey::unwrap`]. It tells
    /// nothing about the key.
    #[must_use]
    pub fn commitment(&self) -> &[u8; 32] {
        &self.commitment
    }

    /// How the log names the owner: HMAC-SHA256 under the link key. Once the data key is gone
    /// nobody can say whom it pointed to.
    #[must_use]
    pub fn subject_ref(&self) -> [u8; 32] {
        let frame = Frame::new("oubli/subject-ref/v1").part(self.app.as_str().as_bytes());
        self.link.hmac(&self.name.owner.frame(frame))
    }

    fn aad(app_key: &AppKey, name: DataKeyName) -> Frame {
        let frame = Frame::new("oubli/data-key/v1").part(app_key.app.as_str().as_bytes());
        name.owner
            .frame(frame)
            .part(name.key_id.as_bytes())
            .part(&name.version.to_be_bytes())
            .part(&app_key.epoch.to_be_bytes())
    }

    /// Wraps the key under an app key, bound to app, owner, key id, version and epoch.
    ///
    /// # Errors
    /// None in practice: `TooLong` above 64 GiB.
    pub fn wrap(&self, app_key: &AppKey) -> Result<Vec<u8>, VaultError> {
        let aad = Self::aad(app_key, self.name);
        app_key.cipher.seal(app_key.epoch, aad.as_bytes(), self.secret.expose())
    }

    /// Unwraps the key called `name`, under the app key of the epoch that it was wrapped in, and
    /// compares its commitment with the stored one in constant time.
    ///
    /// # Errors
    /// `WrongKeyVersion` for another epoch; `Unauthentic` for another app, owner or key id;
    /// `CommitmentMismatch`.
    pub fn unwrap(
        app_key: &AppKey,
        name: DataKeyName,
        wrapped: &[u8],
        commitment: &[u8],
    ) -> Result<Self, VaultError> {
        let aad = Self::aad(app_key, name);
        let secret = app_key.cipher.open(app_key.epoch, aad.as_bytes(), wrapped)?;
        let key = Self::of(&app_key.app, name, Secret::from_slice(&secret)?)?;
        if !bool::from(key.commitment.as_slice().ct_eq(commitment)) {
            return Err(VaultError::CommitmentMismatch);
        }
        Ok(key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey")
            .field("id", &self.name.key_id)
            .field("version", &self.name.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::{AppId, SubjectId, Time};

    use super::{AppKey, DataKey, DataKeyName};
    use crate::error::VaultError;
    use crate::secret::Secret;

    /// App keys of the same bytes: only the binding tells them apart.
    fn app_key(app: &str, epoch: u32) -> AppKey {
        AppKey::of(&AppId::new(app).unwrap(), epoch, Secret::from_slice(&[7; 32]).unwrap())
    }

    #[test]
    fn a_ciphertext_says_which_version_of_the_key_made_it() {
        let first = DataKey::generate(&AppId::new("shop").unwrap(), SubjectId::fresh(Time(0)));
        let first = first.unwrap();
        let name = DataKeyName { version: 2, ..first.name() };
        let secret = Secret::from_slice(first.secret.expose()).unwrap();
        let second = DataKey::of(first.app(), name, secret).unwrap();
        assert_eq!((first.version(), second.version()), (1, 2));
        let place = second.field("profile", "1", "email", 1);
        let sealed = second.seal(&place, b"value").unwrap();
        assert!(second.open(&place, &sealed).is_ok());
        assert!(matches!(first.open(&place, &sealed), Err(VaultError::WrongKeyVersion)));
    }

    #[test]
    fn an_app_key_says_its_epoch() {
        assert_eq!((app_key("shop", 1).epoch(), app_key("shop", 2).epoch()), (1, 2));
    }

    #[test]
    fn the_binding_alone_keeps_apps_and_epochs_apart() {
        let shop = app_key("shop", 1);
        let key = DataKey::generate(shop.app(), SubjectId::fresh(Time(0))).unwrap();
        let wrapped = key.wrap(&shop).unwrap();
        let secret = shop.seal_secret("index", 1, b"secret").unwrap();
        let unwrap = |app_key: &AppKey, wrapped: &[u8]| {
            DataKey::unwrap(app_key, key.name(), wrapped, key.commitment()).map(drop)
        };
        assert!(unwrap(&app_key("shop", 1), &wrapped).is_ok());
        let other = app_key("shop2", 1);
        assert!(matches!(unwrap(&other, &wrapped), Err(VaultError::Unauthentic)));
        assert!(matches!(other.open_secret("index", 1, &secret), Err(VaultError::Unauthentic)));

        // The header says the epoch in clear: believing it must not be enough.
        let later = app_key("shop", 2);
        for sealed in [&wrapped, &secret] {
            assert_eq!(sealed[5], 1);
        }
        let says_two = |sealed: &[u8]| [&sealed[..5], &[2], &sealed[6..]].concat();
        assert!(matches!(unwrap(&later, &wrapped), Err(VaultError::WrongKeyVersion)));
        assert!(matches!(unwrap(&later, &says_two(&wrapped)), Err(VaultError::Unauthentic)));
        let opened = later.open_secret("index", 1, &says_two(&secret));
        assert!(matches!(opened, Err(VaultError::Unauthentic)));
    }
}
