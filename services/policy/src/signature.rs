//! Detached signatures of plugins: Ed25519 (RFC 8032) over a prefix of our own and the file's digest.
//! The form of the file is told in `plugins/wit/README.md`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use serde::{Deserialize, Serialize};
use sha2::Digest as _;

use crate::digest::Digest;

/// What stands before the digest in the message that is signed, so that no signature over anything
/// else is one over a plugin.
const PREFIX: &[u8; 26] = b"oubli-plugin-signature-v1\0";

/// The largest signature file, in bytes.
const MAX_FILE: usize = 4096;

/// Why a plugin's signature was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// The signature file does not have the form that is told.
    #[error("the signature file is malformed")]
    Malformed,
    /// The key is not one of Ed25519, or is one of the few under which a signature can hold for
    /// every message.
    #[error("the key is not a usable Ed25519 key")]
    Key,
    /// No trusted key has the id that the signature names.
    #[error("the plugin is signed by a key that is not trusted")]
    UnknownKey,
    /// The signature is over another file.
    #[error("the signature is for another digest than the file has")]
    DigestMismatch,
    /// The signature does not hold under the key that it names.
    #[error("the signature does not hold")]
    Invalid,
}

/// A signature as it stands beside the component, in `<file>.sig`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DetachedSignature {
    /// `ed25519`.
    pub algorithm: Algorithm,
    /// The RFC 7638 thumbprint of the public key.
    pub key_id: String,
    /// The digest of the file that was signed.
    pub digest: Digest,
    /// 64 bytes, base64url without padding.
    pub signature: String,
}

/// How a plugin is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// RFC 8032.
    Ed25519,
}

/// A public key whose signatures the operator trusts.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKey {
    key: ed25519_dalek::VerifyingKey,
    id: String,
}

impl TrustedKey {
    /// The key from its 32 bytes (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// `Key` for other lengths, for what is no point of the curve, and for weak points.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SignatureError> {
        let bytes = bytes.try_into().map_err(|_| SignatureError::Key)?;
        let key =
            ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| SignatureError::Key)?;
        if key.is_weak() { Err(SignatureError::Key) } else { Ok(Self::of(key)) }
    }

    /// The key from base64url without padding, as it stands in settings and in a JWK's `x`.
    ///
    /// # Errors
    /// As [`TrustedKey::from_bytes`].
    pub fn from_text(text: &str) -> Result<Self, SignatureError> {
        Self::from_bytes(&URL_SAFE_NO_PAD.decode(text).map_err(|_| SignatureError::Key)?)
    }

    fn of(key: ed25519_dalek::VerifyingKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        // RFC 7638: the required members in alphabetical order, without spaces.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { key, id: URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(canonical)) }
    }

    /// The RFC 7638 thumbprint, which signatures name it by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Base64url without padding, as [`TrustedKey::from_text`] reads it.
    #[must_use]
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key.as_bytes())
    }
}

impl fmt::Debug for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TrustedKey").field(&self.id).finish()
    }
}

/// The public key of a private one.
#[must_use]
pub fn public_key(secret: &[u8; 32]) -> TrustedKey {
    TrustedKey::of(ed25519_dalek::SigningKey::from_bytes(secret).verifying_key())
}

/// Signs a plugin with a private key (the seed of RFC 8032, section 5.1.5).
#[must_use]
pub fn sign(secret: &[u8; 32], digest: Digest) -> DetachedSignature {
    let key = ed25519_dalek::SigningKey::from_bytes(secret);
    DetachedSignature {
        algorithm: Algorithm::Ed25519,
        key_id: TrustedKey::of(key.verifying_key()).id,
        digest,
        signature: URL_SAFE_NO_PAD.encode(key.sign(&message(digest)).to_bytes()),
    }
}

fn message(digest: Digest) -> [u8; 58] {
    let mut message = [0; 58];
    message[..26].copy_from_slice(PREFIX);
    message[26..].copy_from_slice(&digest.0);
    message
}

impl DetachedSignature {
    /// Reads a signature file.
    ///
    /// # Errors
    /// `Malformed`, also beyond 4 KiB.
    pub fn parse(file: &[u8]) -> Result<Self, SignatureError> {
        if file.len() > MAX_FILE {
            return Err(SignatureError::Malformed);
        }
        serde_json::from_slice(file).map_err(|_| SignatureError::Malformed)
    }

    /// Checks that a trusted key signed the file of this digest, and gives that key.
    ///
    /// # Errors
    /// `DigestMismatch`, `UnknownKey`, `Malformed` when the signature is not 64 bytes of base64url,
    /// `Invalid`.
    pub fn verify<'a>(
        &self,
        digest: Digest,
        trusted: &'a [TrustedKey],
    ) -> Result<&'a TrustedKey, SignatureError> {
        if self.digest != digest {
            return Err(SignatureError::DigestMismatch);
        }
        let key =
            trusted.iter().find(|key| key.id == self.key_id).ok_or(SignatureError::UnknownKey)?;
        let bytes = URL_SAFE_NO_PAD.decode(&self.signature).ok();
        let bytes = bytes.and_then(|b| b.try_into().ok()).ok_or(SignatureError::Malformed)?;
        let signature = ed25519_dalek::Signature::from_bytes(&bytes);
        key.key.verify_strict(&message(digest), &signature).map_err(|_| SignatureError::Invalid)?;
        Ok(key)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{DetachedSignature, Digest, SignatureError, TrustedKey, public_key, sign};

    const SECRET: [u8; 32] = [7; 32];

    #[test]
    fn a_signature_holds_for_its_file_and_key_alone() {
        let digest = Digest::of(b"a plugin");
        let signature = sign(&SECRET, digest);
        let trusted = [public_key(&[8; 32]), public_key(&SECRET)];
        assert_eq!(signature.verify(digest, &trusted), Ok(&trusted[1]));
        let other = Digest::of(b"another");
        assert_eq!(signature.verify(other, &trusted), Err(SignatureError::DigestMismatch));
        let relabelled = DetachedSignature { digest: other, ..signature.clone() };
        assert_eq!(relabelled.verify(other, &trusted), Err(SignatureError::Invalid));
        assert_eq!(signature.verify(digest, &trusted[..1]), Err(SignatureError::UnknownKey));
        let claimed = DetachedSignature { key_id: trusted[0].id().to_owned(), ..signature };
        assert_eq!(claimed.verify(digest, &trusted), Err(SignatureError::Invalid));
    }

    #[test]
    fn a_signature_over_the_bare_digest_is_none() {
        use base64::Engine as _;
        use ed25519_dalek::Signer as _;
        let digest = Digest::of(b"a plugin");
        let bare = ed25519_dalek::SigningKey::from_bytes(&SECRET).sign(&digest.0);
        let bare = super::URL_SAFE_NO_PAD.encode(bare.to_bytes());
        let signature = DetachedSignature { signature: bare, ..sign(&SECRET, digest) };
        assert_eq!(signature.verify(digest, &[public_key(&SECRET)]), Err(SignatureError::Invalid));
    }

    #[test]
    fn the_file_reads_back_and_other_forms_are_refused() {
        let signature = sign(&SECRET, Digest::of(b"a plugin"));
        let file = serde_json::to_vec_pretty(&signature).unwrap();
        assert_eq!(DetachedSignature::parse(&file).unwrap(), signature);
        let text = String::from_utf8(file).unwrap();
        let wrong = [
            String::new(),
            text.replace("ed25519", "rsa"),
            text.replace("key-id", "key_id"),
            text.replace("sha256:", "sha1:"),
            text.replace('{', r#"{"more": 1,"#),
            " ".repeat(5000) + &text,
        ];
        for file in wrong {
            assert_eq!(DetachedSignature::parse(file.as_bytes()), Err(SignatureError::Malformed));
        }
        let short = DetachedSignature { signature: "AAAA".to_owned(), ..signature };
        let trusted = [public_key(&SECRET)];
        assert_eq!(short.verify(short.digest, &trusted), Err(SignatureError::Malformed));
    }

    #[test]
    fn weak_and_short_keys_are_refused_and_text_reads_back() {
        // The neutral element of the curve, under which a signature can hold for every message.
        let mut weak = [0; 32];
        weak[0] = 1;
        for key in [weak.as_slice(), &[0; 31], &[]] {
            assert_eq!(TrustedKey::from_bytes(key), Err(SignatureError::Key));
        }
        let key = public_key(&SECRET);
        assert_eq!(TrustedKey::from_text(&key.to_text()), Ok(key));
    }
}
