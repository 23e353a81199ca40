//! What is wrapped right under the root key, and the secrets of the whole service, which are.

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::framing::Frame;
use crate::root::RootKeyProvider;

/// Something wrapped under a root key, to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKey {
    /// The version of the root key.
    pub root_version: u32,
    /// What the provider gave; only it can open this.
    pub bytes: Vec<u8>,
}

pub(crate) fn wrap_under(
    root: &dyn RootKeyProvider,
    aad: &Frame,
    secret: &[u8],
) -> Result<WrappedKey, VaultError> {
    let root_version = root.current();
    let bytes = root.wrap(root_version, aad.as_bytes(), secret)?;
    Ok(WrappedKey { root_version, bytes })
}

/// Wraps a secret of the whole service under the current root key, such as the key that signs
/// tokens or a MAC key. It is bound to its name and version.
///
/// # Errors
/// What the provider answers.
pub fn seal_service_secret(
    root: &dyn RootKeyProvider,
    name: &str,
    version: u32,
    secret: &[u8],
) -> Result<WrappedKey, VaultError> {
    wrap_under(root, &service_aad(name, version), secret)
}

/// Opens what [`seal_service_secret`] wrapped under the same name and version.
///
/// # Errors
/// `RootVersionUnknown` and `RootKeyWrong`, or what else the provider answers.
pub fn open_service_secret(
    root: &dyn RootKeyProvider,
    name: &str,
    version: u32,
    wrapped: &WrappedKey,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    root.unwrap(wrapped.root_version, service_aad(name, version).as_bytes(), &wrapped.bytes)
}

fn service_aad(name: &str, version: u32) -> Frame {
    Frame::new("oubli/service-secret/v1").part(name.as_bytes()).part(&version.to_be_bytes())
}
