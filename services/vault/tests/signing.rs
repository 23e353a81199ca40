//! Signatures and access tokens, and the attacks on them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use oubli_vault::{SigningKey, TokenError, VerifyingKey, verify_access_token};
use serde_json::{Value, json};
use sha2::Sha256;

const ISSUER: &str = "https://oubli.example";
const AUDIENCE: &str = "oubli";
const NOW: i64 = 1_700_000_000;

fn claims() -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "shop.1", "iat": NOW, "nbf": NOW, "exp": NOW + 300
    })
}

/// `claims` with one member changed, or taken out when `value` is null.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(name)
    } else {
        members.insert(name.to_owned(), value)
    };
    claims
}

fn check(key: &SigningKey, token: &str, now: i64) -> Result<Value, TokenError> {
    let keys = [SigningKey::generate().verifying_key().clone(), key.verifying_key().clone()];
    verify_access_token(token, &keys, ISSUER, AUDIENCE, now)
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

/// A token with a header of the attacker's making, and a signature over it as `sign` makes it.
fn forge(header: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", encode(header), encode(&claims()));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(sign(message.as_bytes())))
}

#[test]
fn the_example_of_rfc_8037_gives_its_thumbprint_and_signature() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let key = SigningKey::from_secret(&seed).unwrap();
    assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(key.public_jwk().x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    assert_eq!(key.to_secret().as_slice(), seed);
}

#[test]
fn what_was_signed_verifies_as_its_type() {
    let key = SigningKey::generate();
    let token = key.sign_jws("oubli-certificate+jwt", &json!({"rows": 3})).unwrap();
    let read: Value = key.verifying_key().verify_jws("oubli-certificate+jwt", &token).unwrap();
    assert_eq!(read, json!({"rows": 3}));
    let other = key.verifying_key().verify_jws::<Value>("oubli-receipt+jwt", &token);
    assert_eq!(other, Err(TokenError::Type));
    let stranger = SigningKey::generate();
    let read = stranger.verifying_key().verify_jws::<Value>("oubli-certificate+jwt", &token);
    assert_eq!(read, Err(TokenError::UnknownKey));
}

#[test]
fn any_flipped_bit_or_cut_of_a_token_is_refused() {
    let key = SigningKey::generate();
    let token = key.sign_jws("at+jwt", &claims()).unwrap();
    check(&key, &token, NOW).unwrap();
    for bit in 0..token.len() * 8 {
        let mut bytes = token.clone().into_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(bytes) else { continue };
        assert!(check(&key, &changed, NOW).is_err(), "bit {bit}");
    }
    for length in 0..token.len() {
        assert!(check(&key, &token[..length], NOW).is_err(), "{length}");
    }
}

#[test]
fn a_token_without_signature_is_refused() {
    let key = SigningKey::generate();
    for algorithm in ["none", "None", "NONE", ""] {
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": key.key_id()});
        let token = forge(&header, |_| Vec::new());
        assert!(check(&key, &token, NOW).is_err(), "{algorithm}");
    }
    let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key.key_id()});
    assert_eq!(check(&key, &forge(&header, |_| Vec::new()), NOW), Err(TokenError::Signature));
    assert_eq!(check(&key, &forge(&header, |_| vec![0; 64]), NOW), Err(TokenError::Signature));
}

#[test]
fn a_public_key_is_never_taken_for_a_shared_secret() {
    let key = SigningKey::generate();
    let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": key.key_id()});
    let token = forge(&header, |message| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key.verifying_key().as_bytes()).unwrap();
        mac.update(message);
        mac.finalize().into_bytes().to_vec()
    });
    assert_eq!(check(&key, &token, NOW), Err(TokenError::Algorithm));
    for algorithm in ["RS256", "ES256", "PS512"] {
        let header = json!({"alg": algorithm, "typ": "at+jwt", "kid": key.key_id()});
        assert_eq!(check(&key, &forge(&header, |_| vec![0; 64]), NOW), Err(TokenError::Algorithm));
    }
}

#[test]
fn headers_that_name_another_type_or_key_are_refused() {
    let key = SigningKey::generate();
    let signed = |header: &Value| {
        let seed = key.to_secret();
        forge(header, |message| {
            use ed25519_dalek::Signer;
            ed25519_dalek::SigningKey::from_bytes(&seed).sign(message).to_bytes().to_vec()
        })
    };
    let kid = key.key_id();
    let good = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid});
    check(&key, &signed(&good), NOW).unwrap();
    let cases = [
        (json!({"alg": "EdDSA", "typ": "JWT", "kid": kid}), TokenError::Type),
        (json!({"alg": "EdDSA", "kid": kid}), TokenError::Type),
        (json!({"alg": "EdDSA", "typ": "at+jwt"}), TokenError::UnknownKey),
        (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "x"}), TokenError::UnknownKey),
        (
            json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid, "crit": ["exp"]}),
            TokenError::Malformed,
        ),
        (json!({"typ": "at+jwt", "kid": kid}), TokenError::Malformed),
        (json!([]), TokenError::Malformed),
    ];
    for (header, error) in cases {
        assert_eq!(check(&key, &signed(&header), NOW), Err(error), "{header}");
    }
    for token in ["", ".", "..", "...", "a.b.c", "not a token", "\0"] {
        assert_eq!(check(&key, token, NOW), Err(TokenError::Malformed), "{token}");
    }
}

#[test]
fn times_are_those_of_the_given_clock() {
    let key = SigningKey::generate();
    let token = key.sign_jws("at+jwt", &claims()).unwrap();
    assert_eq!(check(&key, &token, NOW).unwrap()["sub"], "shop.1");
    assert!(check(&key, &token, NOW + 299).is_ok());
    assert_eq!(check(&key, &token, NOW + 300), Err(TokenError::Expired));
    assert!(check(&key, &token, NOW - 5).is_ok());
    assert_eq!(check(&key, &token, NOW - 6), Err(TokenError::NotYetValid));
}

#[test]
fn claims_of_another_issuer_audience_or_form_are_refused() {
    let key = SigningKey::generate();
    let cases = [
        ("iss", json!("https://other.example"), TokenError::Issuer),
        ("iss", Value::Null, TokenError::Issuer),
        ("aud", json!("other"), TokenError::Audience),
        ("aud", json!([]), TokenError::Audience),
        ("aud", Value::Null, TokenError::Audience),
        ("exp", Value::Null, TokenError::Expired),
        ("exp", json!("never"), TokenError::Expired),
        ("exp", json!(-1), TokenError::Expired),
        ("nbf", json!("now"), TokenError::Claims),
        ("iat", json!(NOW + 60), TokenError::NotYetValid),
    ];
    for (name, value, error) in cases {
        let token = key.sign_jws("at+jwt", &with(name, value.clone())).unwrap();
        assert_eq!(check(&key, &token, NOW), Err(error), "{name}: {value}");
    }
    let several = key.sign_jws("at+jwt", &with("aud", json!(["other", AUDIENCE]))).unwrap();
    assert!(check(&key, &several, NOW).is_ok());
    let keys = [key.verifying_key().clone()];
    let token = key.sign_jws("at+jwt", &claims()).unwrap();
    let wrong_form = verify_access_token::<Vec<u8>>(&token, &keys, ISSUER, AUDIENCE, NOW);
    assert_eq!(wrong_form, Err(TokenError::Claims));
}

#[test]
fn a_published_key_reads_back_and_a_weak_or_changed_one_does_not() {
    let key = SigningKey::generate();
    let jwk = key.public_jwk();
    let text = serde_json::to_string(&jwk).unwrap();
    let again = VerifyingKey::from_jwk(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(&again, key.verifying_key());
    let mut changed = jwk.clone();
    changed.kid = SigningKey::generate().key_id().to_owned();
    assert_eq!(VerifyingKey::from_jwk(&changed), Err(TokenError::Key));
    // The identity: under it, a signature of zeros would hold for any message.
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(VerifyingKey::from_bytes(&identity), Err(TokenError::Key));
    assert_eq!(VerifyingKey::from_bytes(&[0; 31]), Err(TokenError::Key));
}

#[test]
fn debug_of_a_signing_key_shows_its_public_id_alone() {
    let key = SigningKey::generate();
    let expected = format!("SigningKey {{ key_id: {:?}, .. }}", key.key_id());
    assert_eq!(format!("{key:?}"), expected);
}
