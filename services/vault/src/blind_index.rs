//! The blind index: finds an identifier by its value without storing the value.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::framing::Frame;
use crate::secret::Secret;

/// The key of a blind index: one for each app, identifier type and index version, so that equal
/// values of two apps do not look alike.
pub struct IndexKey(Secret);

impl IndexKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Secret::generate())
    }

    /// The key from what [`IndexKey::to_secret`] gave.
    ///
    /// # Errors
    /// `SecretLength` unless it has 32 bytes.
    pub fn from_secret(bytes: &[u8]) -> Result<Self, VaultError> {
        Secret::from_slice(bytes).map(Self)
    }

    /// The key itself, to be sealed under the app key.
    #[must_use]
    pub fn to_secret(&self) -> Zeroizing<[u8; 32]> {
        self.0.copy()
    }

    /// HMAC-SHA256 of an identifier's type and normalised value, whole: 256 bits.
    #[must_use]
    pub fn blind_index(&self, identifier_type: &str, normalised: &str) -> [u8; 32] {
        let frame = Frame::new("oubli/blind-index/v1")
            .part(identifier_type.as_bytes())
            .part(normalised.as_bytes());
        self.0.hmac(&frame)
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(redacted)")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::IndexKey;

    #[test]
    fn an_index_depends_on_key_type_and_value_alone() {
        let key = IndexKey::generate();
        let index = key.blind_index("email", "ada@example.org");
        let again = IndexKey::from_secret(key.to_secret().as_slice()).unwrap();
        assert_eq!(again.blind_index("email", "ada@example.org"), index);
        assert_ne!(key.blind_index("external_id", "ada@example.org"), index);
        assert_ne!(key.blind_index("email", "bob@example.org"), index);
        assert_ne!(IndexKey::generate().blind_index("email", "ada@example.org"), index);
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", IndexKey::generate()), "IndexKey(redacted)");
        assert!(IndexKey::from_secret(&[1; 16]).is_err());
    }
}
