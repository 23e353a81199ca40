//! Message authentication for what is recognised and never read back: client secrets,
//! idempotency keys, download tokens, session ids. They are 256 bits of chance, so a fast MAC
//! under a key outside the database is enough; what people type goes through
//! [`crate::password`].

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::framing::Frame;
use crate::secret::Secret;

/// A key for HMAC-SHA256.
pub struct MacKey(Secret);

impl MacKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    /// The key from what [`MacKey::to_secret`] gave.
    ///
    /// # Errors
    /// `SecretLength` unless it has 32 bytes.
    pub fn from_secret(bytes: &[u8]) -> Result<Self, VaultError> {
        Secret::from_slice(bytes).map(Self)
    }

    /// The key itself, to be sealed.
    #[must_use]
    pub fn to_secret(&self) -> Zeroizing<[u8; 32]> {
        self.0.copy()
    }

    /// HMAC-SHA256 of length-prefixed parts. `domain` says what it is for, so that a value of one
    /// use is never taken in another.
    #[must_use]
    pub fn mac(&self, domain: &str, parts: &[&[u8]]) -> [u8; 32] {
        let frame = parts.iter().fold(Frame::new(domain), |frame, part| frame.part(part));
        self.0.hmac(&frame)
    }

    /// Whether `tag` is the MAC of these parts, compared in constant time.
    #[must_use]
    pub fn verify(&self, domain: &str, parts: &[&[u8]], tag: &[u8]) -> bool {
        self.mac(domain, parts).as_slice().ct_eq(tag).into()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

/// A secret to be shown once: 256 random bits as 43 characters of base64url (RFC 4648).
pub struct SecretToken(Zeroizing<String>);

impl SecretToken {
    /// A new random token.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(URL_SAFE_NO_PAD.encode(Secret::generate().expose())))
    }

    /// The text, to be shown once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken(redacted)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{MacKey, SecretToken};

    #[test]
    fn a_tag_holds_for_its_key_domain_and_parts_alone() {
        let key = MacKey::generate();
        let tag = key.mac("client-secret", &[b"id", b"secret"]);
        assert!(key.verify("client-secret", &[b"id", b"secret"], &tag));
        assert!(!key.verify("session", &[b"id", b"secret"], &tag));
        assert!(!key.verify("client-secret", &[b"ids", b"ecret"], &tag));
        assert!(!key.verify("client-secret", &[b"idsecret"], &tag));
        assert!(!key.verify("client-secret", &[b"id", b"secret"], &tag[..31]));
        assert!(!key.verify("client-secret", &[b"id", b"secret"], &[]));
        assert!(!MacKey::generate().verify("client-secret", &[b"id", b"secret"], &tag));
        let again = MacKey::from_secret(key.to_secret().as_slice()).unwrap();
        assert!(again.verify("client-secret", &[b"id", b"secret"], &tag));
    }

    #[test]
    fn tokens_are_long_fit_for_urls_and_not_printed() {
        let token = SecretToken::generate();
        assert_eq!(token.expose().len(), 43);
        assert!(token.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
        assert_ne!(token.expose(), SecretToken::generate().expose());
        assert_eq!(format!("{token:?}"), "SecretToken(redacted)");
        assert_eq!(format!("{:?}", MacKey::generate()), "MacKey(redacted)");
    }
}
