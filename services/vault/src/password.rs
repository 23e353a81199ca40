//! Hashing of what people type: argon2id (RFC 9106) with the parameters of the OWASP Password
//! Storage Cheat Sheet, 19 MiB, 2 passes, 1 lane. One check takes tens of milliseconds of a
//! core and 19 MiB; callers bound how many run at once, and how long a password may be.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use crate::error::VaultError;
use crate::secret::fill_random;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

fn hasher() -> Result<Argon2<'static>, VaultError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(VaultError::Argon2)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Hashes a password under a fresh salt; gives a PHC string, to be stored.
///
/// # Errors
/// `PasswordHashMalformed` if argon2 refuses its input, such as 4 GiB.
pub fn hash_password(password: &str) -> Result<String, VaultError> {
    let mut salt = [0; SALT_BYTES];
    fill_random(&mut salt);
    hash_with_salt(password, &salt)
}

fn hash_with_salt(password: &str, salt: &[u8]) -> Result<String, VaultError> {
    hasher()?
        .hash_password_with_salt(password.as_bytes(), salt)
        .map(|hash| hash.to_string())
        .map_err(|_| VaultError::PasswordHashMalformed)
}

/// Whether the password is the one that was hashed. The parameters are those of the stored hash.
///
/// # Errors
/// `PasswordHashMalformed` when what was stored is not an argon2id PHC string.
pub fn verify_password(password: &str, stored: &str) -> Result<bool, VaultError> {
    let hash = PasswordHash::new(stored).map_err(|_| VaultError::PasswordHashMalformed)?;
    if hash.algorithm != Algorithm::Argon2id.ident() || hash.hash.is_none() {
        return Err(VaultError::PasswordHashMalformed);
    }
    Ok(hasher()?.verify_password(password.as_bytes(), &hash).is_ok())
}

/// Takes as long as checking a password does and is always false: for a name that no user has, so
/// that time does not tell which names exist.
///
/// # Errors
/// As [`hash_password`].
pub fn verify_dummy(password: &str) -> Result<bool, VaultError> {
    hash_with_salt(password, &[0; SALT_BYTES]).map(|_| false)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{hash_password, verify_dummy, verify_password};
    use crate::error::VaultError;

    #[test]
    fn only_the_password_verifies() {
        let stored = hash_password("correct horse battery staple").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify_password("correct horse battery staple", &stored).unwrap());
        assert!(!verify_password("correct horse battery stapl", &stored).unwrap());
        assert!(!verify_password("", &stored).unwrap());
        assert_ne!(stored, hash_password("correct horse battery staple").unwrap());
    }

    #[test]
    fn the_dummy_is_never_true() {
        assert!(!verify_dummy("anything").unwrap());
    }

    #[test]
    fn other_stored_text_is_an_error_not_a_wrong_password() {
        for stored in ["", "plain", "$argon2id$", "$2b$12$abcdefghijklmnopqrstuv", "$argon2id$v=19"]
        {
            let error = verify_password("x", stored).unwrap_err();
            assert!(matches!(error, VaultError::PasswordHashMalformed), "{stored}");
        }
    }
}
