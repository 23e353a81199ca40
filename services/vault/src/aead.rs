//! AES-256-GCM (NIST SP 800-38D), the one place that encrypts, and the byte form of a sealed
//! message, which every ciphertext of the service has but the chunks of a bundle:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format version, 1 |
//! | 1 | algorithm, 1 = AES-256-GCM |
//! | 4 | version of the key, big-endian |
//! | 12 | nonce, random |
//! | n | ciphertext, as long as the plaintext |
//! | 16 | tag |
//!
//! A random 96-bit nonce allows 2^32 messages under one key (SP 800-38D, section 8.3); no key of
//! the tree comes near: a data key seals the fields of one person.

use std::fmt;

use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::secret::{Secret, fill_random};

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes of a tag.
pub const TAG_BYTES: usize = 16;

const FORMAT: u8 = 1;
const AES_256_GCM: u8 = 1;
const HEADER_BYTES: usize = 6;

/// What sealing adds to the length of a plaintext, in bytes.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + NONCE_BYTES + TAG_BYTES;

/// AES-256-GCM under one key. Its key schedule is overwritten on drop.
pub struct Cipher(Aes256Gcm);

impl Cipher {
    /// The cipher of a key of 256 bits.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    pub(crate) fn of(secret: &Secret) -> Self {
        Self::new(secret.expose())
    }

    /// Encrypts `buffer` in place and gives the tag. The same nonce must never be used twice under
    /// one key: outside this crate only known-answer tests choose a nonce.
    ///
    /// # Errors
    /// `TooLong` above 64 GiB.
    #[doc(hidden)]
    pub fn encrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; TAG_BYTES], VaultError> {
        self.0
            .encrypt_inout_detached(nonce.into(), aad, buffer.into())
            .map(Into::into)
            .map_err(|_| VaultError::TooLong)
    }

    /// Decrypts `buffer` in place once its tag is found right.
    ///
    /// # Errors
    /// `Unauthentic` when the tag does not fit; the buffer is then unchanged.
    #[doc(hidden)]
    pub fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> Result<(), VaultError> {
        self.0
            .decrypt_inout_detached(nonce.into(), aad, buffer.into(), tag.into())
            .map_err(|_| VaultError::Unauthentic)
    }

    /// Seals a message under a fresh nonce. `aad` is authenticated, together with the header, and
    /// not stored.
    pub(crate) fn seal(
        &self,
        key_version: u32,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<Vec<u8>, VaultError> {
        let header = header(key_version);
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce);
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD_BYTES);
        sealed.extend_from_slice(&header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let body = &mut sealed[HEADER_BYTES + NONCE_BYTES..];
        let tag = self.encrypt(&nonce, &bound(&header, aad), body)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what [`Cipher::seal`] made under the same key, key version and `aad`.
    pub(crate) fn open(
        &self,
        key_version: u32,
        aad: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (header, rest) = sealed.split_first_chunk().ok_or(VaultError::TooShort)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(VaultError::TooShort)?;
        let (body, tag) = rest.split_last_chunk().ok_or(VaultError::TooShort)?;
        check_header(*header, key_version)?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        self.decrypt(nonce, &bound(header, aad), &mut plaintext, tag)?;
        Ok(plaintext)
    }
}

fn header(key_version: u32) -> [u8; HEADER_BYTES] {
    let [a, b, c, d] = key_version.to_be_bytes();
    [FORMAT, AES_256_GCM, a, b, c, d]
}

fn check_header(header: [u8; HEADER_BYTES], key_version: u32) -> Result<(), VaultError> {
    match header {
        [FORMAT, AES_256_GCM, ref version @ ..] if *version == key_version.to_be_bytes() => Ok(()),
        [FORMAT, AES_256_GCM, ..] => Err(VaultError::WrongKeyVersion),
        [FORMAT, ..] => Err(VaultError::UnknownAlgorithm),
        _ => Err(VaultError::UnknownVersion),
    }
}

/// The header is authenticated too, so that a later format can never be made to pass for this one.
fn bound(header: &[u8], aad: &[u8]) -> Vec<u8> {
    [header, aad].concat()
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cipher(redacted)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Cipher, OVERHEAD_BYTES};
    use crate::error::VaultError;

    #[test]
    fn each_fault_of_a_header_has_its_error() {
        let cipher = Cipher::new(&[1; 32]);
        let sealed = cipher.seal(7, b"aad", b"text").unwrap();
        assert_eq!(sealed.len(), 4 + OVERHEAD_BYTES);
        assert_eq!(&sealed[..6], [1, 1, 0, 0, 0, 7]);
        assert_eq!(cipher.open(7, b"aad", &sealed).unwrap().as_slice(), b"text");
        let with = |index: usize, byte: u8| {
            let mut changed = sealed.clone();
            changed[index] = byte;
            cipher.open(7, b"aad", &changed).unwrap_err()
        };
        assert!(matches!(with(0, 2), VaultError::UnknownVersion));
        assert!(matches!(with(1, 2), VaultError::UnknownAlgorithm));
        assert!(matches!(with(5, 8), VaultError::WrongKeyVersion));
        assert!(matches!(with(20, !sealed[20]), VaultError::Unauthentic));
    }

    #[test]
    fn every_shorter_message_is_refused() {
        let cipher = Cipher::new(&[1; 32]);
        let sealed = cipher.seal(1, b"", b"").unwrap();
        for length in 0..sealed.len() {
            let error = cipher.open(1, b"", &sealed[..length]).unwrap_err();
            assert!(matches!(error, VaultError::TooShort), "{length}");
        }
        assert!(cipher.open(1, b"", &sealed).unwrap().is_empty());
    }

    #[test]
    fn no_two_nonces_are_alike() {
        let cipher = Cipher::new(&[1; 32]);
        assert_ne!(cipher.seal(1, b"", b"x").unwrap(), cipher.seal(1, b"", b"x").unwrap());
    }
}
