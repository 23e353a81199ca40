//! Ed25519 signatures (RFC 8032) as compact JWS (RFC 7515, 8037): certificates, checkpoints,
//! receipts and access tokens. The JWS form is jsonwebtoken's; the signature is
//! ed25519-dalek's, through a provider that knows no other algorithm.

use std::fmt;
use std::sync::Once;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::signature::{Error as SignatureError, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::error::VaultError;
use crate::secret::Secret;
use crate::token::TokenError;

/// A private key that signs. It is overwritten on drop.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    public: VerifyingKey,
}

impl SigningKey {
    /// A new random key.
    #[must_use]
    pub fn generate() -> Self {
        Self::of(&Secret::generate())
    }

    /// The key from what [`SigningKey::to_secret`] gave.
    ///
    /// # Errors
    /// `SecretLength` unless it has 32 bytes.
    pub fn from_secret(bytes: &[u8]) -> Result<Self, VaultError> {
        Secret::from_slice(bytes).map(|secret| Self::of(&secret))
    }

    fn of(secret: &Secret) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(secret.expose());
        let public = VerifyingKey::of(key.verifying_key());
        Self { key, public }
    }

    /// The key itself (the seed of RFC 8032, section 5.1.5), to be sealed.
    #[must_use]
    pub fn to_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.key.to_bytes())
    }

    /// The RFC 7638 thumbprint of the public key, which stands in each signature as `kid`.
    #[must_use]
    pub fn key_id(&self) -> &str {
        self.public.key_id()
    }

    /// The key that verifies.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The public key to be published.
    #[must_use]
    pub fn public_jwk(&self) -> PublicJwk {
        self.public.public_jwk()
    }

    /// Signs claims as a compact JWS. `typ` says what kind of statement it is (RFC 8725, section
    /// 3.11), so that one kind is never taken for another.
    ///
    /// # Errors
    /// `Claims` when the claims are not JSON.
    pub fn sign_jws(&self, typ: &str, claims: &impl Serialize) -> Result<String, TokenError> {
        install_provider();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.key_id().to_owned());
        let key = EncodingKey::from_ed_der(self.to_secret().as_slice());
        jsonwebtoken::encode(&header, claims, &key).map_err(|_| TokenError::Claims)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_id", &self.key_id()).finish_non_exhaustive()
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifyingKey {
    key: ed25519_dalek::VerifyingKey,
    key_id: String,
}

/// A public key as an RFC 8037 JWK.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PublicJwk {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// The key, base64url.
    pub x: String,
    /// The RFC 7638 thumbprint.
    pub kid: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
}

impl VerifyingKey {
    fn of(key: ed25519_dalek::VerifyingKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.as_bytes());
        // RFC 7638: the required members in alphabetical order, without spaces.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        Self { key, key_id: URL_SAFE_NO_PAD.encode(Sha256::digest(canonical)) }
    }

    /// The key from its 32 bytes (RFC 8032, section 5.1.5).
    ///
    /// # Errors
    /// `Key` for other lengths, for bytes that are no point of the curve, and for the few points
    /// under which a signature can hold for every message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, TokenError> {
        let bytes = bytes.try_into().map_err(|_| TokenError::Key)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| TokenError::Key)?;
        if key.is_weak() { Err(TokenError::Key) } else { Ok(Self::of(key)) }
    }

    /// The key from its JWK.
    ///
    /// # Errors
    /// `Key` for another type, curve or algorithm, or a `kid` that is not the key's thumbprint.
    pub fn from_jwk(jwk: &PublicJwk) -> Result<Self, TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(&jwk.x).map_err(|_| TokenError::Key)?;
        let key = Self::from_bytes(&bytes)?;
        if key.public_jwk() == *jwk { Ok(key) } else { Err(TokenError::Key) }
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The RFC 7638 thumbprint of the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The key to be published.
    #[must_use]
    pub fn public_jwk(&self) -> PublicJwk {
        PublicJwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: URL_SAFE_NO_PAD.encode(self.as_bytes()),
            kid: self.key_id.clone(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
        }
    }

    /// The claims of a JWS that this key signed and whose `typ` is the one given. Says nothing
    /// about times; see [`crate::token::verify_access_token`].
    ///
    /// # Errors
    /// `Malformed`, `Algorithm`, `Type`, `UnknownKey` by the header; `Signature`; `Claims` when
    /// they are not a `T`.
    pub fn verify_jws<T: DeserializeOwned>(&self, typ: &str, token: &str) -> Result<T, TokenError> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        self.verify_with(typ, token, &validation)
    }

    pub(crate) fn verify_with<T: DeserializeOwned>(
        &self,
        typ: &str,
        token: &str,
        validation: &Validation,
    ) -> Result<T, TokenError> {
        install_provider();
        let header = read_header(token)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Algorithm);
        }
        if header.typ.as_deref() != Some(typ) {
            return Err(TokenError::Type);
        }
        if header.kid.as_deref() != Some(self.key_id()) {
            return Err(TokenError::UnknownKey);
        }
        let key = DecodingKey::from_ed_der(self.as_bytes());
        jsonwebtoken::decode(token, &key, validation)
            .map(|data| data.claims)
            .map_err(|error| TokenError::of(error.kind()))
    }
}

/// The header of a compact JWS, which nobody has verified yet.
pub(crate) fn read_header(token: &str) -> Result<Header, TokenError> {
    let header =
        jsonwebtoken::decode_header(token).map_err(|error| TokenError::of(error.kind()))?;
    // RFC 7515, section 4.1.11: what is critical must be understood, and we understand none of it.
    if header.crit.is_some() { Err(TokenError::Malformed) } else { Ok(header) }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: make_signer,
    verifier_factory: make_verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes ours the process's provider. When someone was first, theirs stays: it refuses our keys
/// or verifies Ed25519 too, and the algorithm is checked before it is asked.
fn install_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let _ = PROVIDER.install_default();
    });
}

struct Ed25519Signer(ed25519_dalek::SigningKey);

struct Ed25519Verifier(ed25519_dalek::VerifyingKey);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn make_signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    if *algorithm != Algorithm::EdDSA {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let seed = Secret::from_slice(key.as_bytes()).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Signer(ed25519_dalek::SigningKey::from_bytes(seed.expose()))))
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn make_verifier(
    algorithm: &Algorithm,
    key: &DecodingKey,
) -> Result<Box<dyn JwtVerifier>, JwtError> {
    if *algorithm != Algorithm::EdDSA || key.family().algorithms() != [Algorithm::EdDSA] {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    let bytes = key.try_get_as_bytes()?.try_into().map_err(|_| ErrorKind::InvalidEddsaKey)?;
    let key =
        ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| ErrorKind::InvalidEddsaKey)?;
    Ok(Box::new(Ed25519Verifier(key)))
}

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        let signature = Signature::from_slice(signature).map_err(|_| SignatureError::new())?;
        // Strict: one signature per message and key, so that a certificate has one byte form.
        self.0.verify_strict(message, &signature).map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Algorithm, DecodingKey, EncodingKey, make_signer, make_verifier};

    #[test]
    fn the_provider_knows_one_algorithm_and_its_keys() {
        let (signer, verifier) =
            (EncodingKey::from_ed_der(&[1; 32]), DecodingKey::from_ed_der(&[1; 32]));
        assert_eq!(make_signer(&Algorithm::EdDSA, &signer).unwrap().algorithm(), Algorithm::EdDSA);
        assert!(make_signer(&Algorithm::HS256, &signer).is_err());
        assert!(make_signer(&Algorithm::EdDSA, &EncodingKey::from_ed_der(&[1; 31])).is_err());
        let made = make_verifier(&Algorithm::EdDSA, &verifier).unwrap();
        assert_eq!(made.algorithm(), Algorithm::EdDSA);
        assert!(make_verifier(&Algorithm::HS256, &verifier).is_err());
        let shared = DecodingKey::from_secret(&[1; 32]);
        assert!(make_verifier(&Algorithm::EdDSA, &shared).is_err());
        assert!(make_verifier(&Algorithm::HS256, &shared).is_err());
    }
}
