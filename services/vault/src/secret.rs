//! [`Secret`]: 32 secret bytes in memory, and the primitives every key type makes use of.

use std::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

use crate::error::VaultError;
use crate::framing::Frame;

/// Random bytes for what is not a key, such as a salt.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    fill_random(&mut bytes);
    bytes
}

/// Fills `bytes` from the operating system.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // The operating system's generator fails only before it is seeded at boot. A key made then
    // would be worthless, and nothing above could do better than stop.
    if getrandom::fill(bytes).is_err() {
        std::process::abort();
    }
}

/// 256 secret bits. They lie on the heap, so that moving the owner leaves no copy behind.
pub(crate) struct Secret(Box<[u8; 32]>);

impl Secret {
    pub(crate) fn generate() -> Self {
        let mut secret = Self(Box::new([0; 32]));
        fill_random(secret.0.as_mut());
        secret
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Result<Self, VaultError> {
        let mut secret = Self(Box::new([0; 32]));
        if bytes.len() != secret.0.len() {
            return Err(VaultError::SecretLength);
        }
        secret.0.copy_from_slice(bytes);
        Ok(secret)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// A copy for wrapping.
    pub(crate) fn copy(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0)
    }

    /// HKDF-SHA256 (RFC 5869) without salt: the input is uniform already. `info` names the use.
    pub(crate) fn derive(&self, info: &str) -> Result<Self, VaultError> {
        let mut derived = Self(Box::new([0; 32]));
        Hkdf::<Sha256>::new(None, self.expose())
            .expand(info.as_bytes(), derived.0.as_mut())
            .map_err(|_| VaultError::Derivation)?;
        Ok(derived)
    }

    /// HMAC-SHA256 (RFC 2104) of a frame.
    pub(crate) fn hmac(&self, message: &Frame) -> [u8; 32] {
        // HMAC pads a short key with zeros to the block of 64 bytes; handing it over padded takes
        // the constructor that cannot fail.
        let mut block = Zeroizing::new([0u8; 64]);
        block[..32].copy_from_slice(self.expose());
        let mut mac = <Hmac<Sha256> as KeyInit>::new((&*block).into());
        mac.update(message.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("redacted")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::{Secret, random_bytes};
    use crate::framing::Frame;

    #[test]
    fn random_bytes_are_never_the_same() {
        assert_ne!(random_bytes::<16>(), random_bytes());
        assert_ne!(Secret::generate().expose(), Secret::generate().expose());
    }

    #[test]
    fn the_padded_key_gives_the_hmac_of_the_key() {
        let secret = Secret::from_slice(&[7; 32]).unwrap();
        let frame = Frame::new("label").part(b"part");
        let mut plain = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
        plain.update(frame.as_bytes());
        assert_eq!(secret.hmac(&frame).as_slice(), plain.finalize().into_bytes().as_slice());
    }

    #[test]
    fn derived_keys_differ_by_use_and_debug_shows_nothing() {
        let secret = Secret::from_slice(&[7; 32]).unwrap();
        let one = secret.derive("one").unwrap();
        assert_ne!(one.expose(), secret.derive("two").unwrap().expose());
        assert_eq!(one.expose(), secret.derive("one").unwrap().expose());
        assert_eq!(format!("{secret:?}"), "redacted");
    }

    #[test]
    fn only_32_bytes_make_a_secret() {
        for length in [0, 31, 33] {
            assert!(Secret::from_slice(&vec![0; length]).is_err());
        }
    }
}
