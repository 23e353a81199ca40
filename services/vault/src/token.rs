//! Access tokens (RFC 9068): a JWS of type `at+jwt` whose issuer, audience and times hold.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Validation};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::signing::{VerifyingKey, read_header};

/// The `typ` of an access token (RFC 9068, section 2.1).
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// How far in the future, in seconds, the start of a token may lie: the clocks of two nodes differ.
/// Its end has no leeway.
pub const START_LEEWAY_SECONDS: i64 = 5;

/// Why a JWS was refused. No text repeats what the token holds, which is why the errors of the
/// JSON reader are not kept as sources: they quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// Not a compact JWS with a JSON header.
    #[error("the token is malformed")]
    Malformed,
    /// Another algorithm than `EdDSA`, `none` included.
    #[error("the token names another algorithm")]
    Algorithm,
    /// Another `typ` than the expected.
    #[error("the token is of another type")]
    Type,
    /// No `kid`, or one that no key here has.
    #[error("the token names an unknown key")]
    UnknownKey,
    /// The signature does not hold.
    #[error("the signature of the token does not hold")]
    Signature,
    /// The claims are not what they should be.
    #[error("the claims of the token are not of the expected form")]
    Claims,
    /// Another issuer, or none.
    #[error("the token has another issuer")]
    Issuer,
    /// Another audience, or none.
    #[error("the token is for another audience")]
    Audience,
    /// The token has ended, or never does.
    #[error("the token has expired")]
    Expired,
    /// The token starts later.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// A public key is malformed or weak.
    #[error("the public key is not acceptable")]
    Key,
}

impl TokenError {
    pub(crate) fn of(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidSignature => Self::Signature,
            ErrorKind::InvalidAlgorithm
            | ErrorKind::InvalidAlgorithmName
            | ErrorKind::UnsupportedAlgorithm
            | ErrorKind::MissingAlgorithm => Self::Algorithm,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            ErrorKind::MissingRequiredClaim(claim) => Self::missing(claim),
            ErrorKind::InvalidEddsaKey | ErrorKind::InvalidKeyFormat => Self::Key,
            _ => Self::Malformed,
        }
    }

    fn missing(claim: &str) -> Self {
        match claim {
            "iss" => Self::Issuer,
            "aud" => Self::Audience,
            "exp" => Self::Expired,
            _ => Self::Claims,
        }
    }
}

/// The claims of an access token that one of `keys` signed, for this issuer and audience, at
/// `now_seconds` (since 1970). `exp` is needed; `nbf` and `iat` hold when they are there.
///
/// # Errors
/// As [`VerifyingKey::verify_jws`]; `Issuer`, `Audience`, `Expired` (from the second `exp` on, RFC
/// 7519, section 4.1.4) and `NotYetValid`.
pub fn verify_access_token<T: DeserializeOwned>(
    token: &str,
    keys: &[VerifyingKey],
    issuer: &str,
    audience: &str,
    now_seconds: i64,
) -> Result<T, TokenError> {
    let kid = read_header(token)?.kid.ok_or(TokenError::UnknownKey)?;
    let key = keys.iter().find(|key| key.key_id() == kid).ok_or(TokenError::UnknownKey)?;
    let validation = validation(issuer, audience);
    let claims: Value = key.verify_with(ACCESS_TOKEN_TYPE, token, &validation)?;
    check_times(&claims, now_seconds)?;
    serde_json::from_value(claims).map_err(|_| TokenError::Claims)
}

fn validation(issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    // jsonwebtoken would read the machine's clock. Time comes from the caller's injected clock, so
    // that tests move it, and so `check_times` does this.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation
}

fn check_times(claims: &Value, now: i64) -> Result<(), TokenError> {
    if claims.get("exp").and_then(Value::as_i64).is_none_or(|end| now >= end) {
        return Err(TokenError::Expired);
    }
    for name in ["nbf", "iat"] {
        let Some(start) = claims.get(name) else { continue };
        let start = start.as_i64().ok_or(TokenError::Claims)?;
        if start.saturating_sub(START_LEEWAY_SECONDS) > now {
            return Err(TokenError::NotYetValid);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ErrorKind, TokenError};

    #[test]
    fn each_fault_that_the_jws_reader_finds_has_its_name() {
        let missing = |claim: &str| ErrorKind::MissingRequiredClaim(claim.to_owned());
        let cases = [
            (ErrorKind::InvalidSignature, TokenError::Signature),
            (ErrorKind::InvalidAlgorithm, TokenError::Algorithm),
            (ErrorKind::InvalidAlgorithmName, TokenError::Algorithm),
            (ErrorKind::InvalidIssuer, TokenError::Issuer),
            (ErrorKind::InvalidAudience, TokenError::Audience),
            (ErrorKind::InvalidEddsaKey, TokenError::Key),
            (ErrorKind::InvalidKeyFormat, TokenError::Key),
            (ErrorKind::InvalidToken, TokenError::Malformed),
            (missing("iss"), TokenError::Issuer),
            (missing("aud"), TokenError::Audience),
            (missing("exp"), TokenError::Expired),
            (missing("sub"), TokenError::Claims),
        ];
        for (kind, error) in cases {
            assert_eq!(TokenError::of(&kind), error, "{kind:?}");
        }
    }
}
