//! Tokens. Nothing that the key did not sign is accepted, whatever it says; of what it signed access
//! tokens are, with the claims that they must have and whatever others, and nothing else; and any
//! change of one is seen.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use oubli_domain::json;
use oubli_vault::token::{ACCESS_TOKEN_TYPE, START_LEEWAY_SECONDS};
use oubli_vault::{SigningKey, TokenError, VerifyingKey, verify_access_token};
use serde_json::{Value, json};

const ISSUER: &str = "https://oubli.example";
const AUDIENCE: &str = "oubli";
const NOW: i64 = 1_700_000_000;
const OTHER_TYPE: &str = "oubli-certificate+jwt";

/// The key of RFC 8037, appendix A.1.
const SEED: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

struct Signer {
    key: SigningKey,
    trusted: [VerifyingKey; 2],
    /// The one access token that this key signed.
    good: String,
}

static SIGNER: LazyLock<Signer> = LazyLock::new(|| {
    let key = SigningKey::from_secret(&SEED).expect("32 bytes");
    let good = key.sign_jws(ACCESS_TOKEN_TYPE, &claims()).expect("claims");
    assert_eq!(good, include_str!("../seeds/jwt/good"), "the seed is another token");
    let trusted = [SigningKey::generate().verifying_key().clone(), key.verifying_key().clone()];
    Signer { key, trusted, good }
});

fn claims() -> Value {
    json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "shop.1", "iat": NOW, "exp": NOW + 300 })
}

fuzz_target!(|input: &[u8]| {
    if let Ok(token) = std::str::from_utf8(input) {
        what_was_not_signed_is_refused(token);
    }
    any_change_is_seen(input);
    if let Ok(claims) = json::parse(input) {
        the_claims_must_hold(&claims);
        other_good_claims_are_accepted(input, &claims);
    }
});

fn verify(token: &str) -> Result<Value, TokenError> {
    verify_access_token(token, &SIGNER.trusted, ISSUER, AUDIENCE, NOW)
}

fn what_was_not_signed_is_refused(token: &str) {
    assert_eq!(verify(token).is_ok(), token == SIGNER.good, "another token was accepted");
    let key = SIGNER.key.verifying_key();
    assert!(key.verify_jws::<Value>(OTHER_TYPE, token).is_err());
}

/// One character of the good token, chosen by the input, becomes another byte.
fn any_change_is_seen(input: &[u8]) {
    let Some(([a, b, byte], _)) = input.split_first_chunk() else { return };
    let mut token = SIGNER.good.clone().into_bytes();
    let at = usize::from(u16::from_be_bytes([*a, *b])) % token.len();
    token[at] = *byte;
    if let Ok(token) = String::from_utf8(token)
        && token != SIGNER.good
    {
        assert!(verify(&token).is_err(), "byte {at}");
    }
}

fn the_claims_must_hold(claims: &Value) {
    let sign = |typ| SIGNER.key.sign_jws(typ, claims).expect("JSON");
    let token = sign(ACCESS_TOKEN_TYPE);
    if let Ok(read) = verify(&token) {
        assert_eq!(&read, claims);
        assert!(names(&claims["iss"], ISSUER) && names(&claims["aud"], AUDIENCE));
        assert!(claims["exp"].as_i64().is_some_and(|end| end > NOW));
        let begun = |start: &Value| start.as_i64().is_some_and(|s| s <= NOW + START_LEEWAY_SECONDS);
        assert!(["nbf", "iat"].into_iter().all(|name| claims.get(name).is_none_or(begun)));
    }
    // The same claims as a statement of another kind.
    let other = sign(OTHER_TYPE);
    assert!(verify(&other).is_err());
    let key = SIGNER.key.verifying_key();
    assert!(key.verify_jws::<Value>(ACCESS_TOKEN_TYPE, &other).is_err());
    assert!(key.verify_jws::<Value>(OTHER_TYPE, &token).is_err());
}

/// Good claims at times that the input chooses, with whatever it says beside them.
fn other_good_claims_are_accepted(input: &[u8], others: &Value) {
    let [a, b] = *input.first_chunk().unwrap_or(&[0, 0]);
    let mut claims = claims();
    claims["aud"] = if a % 2 == 0 { json!(AUDIENCE) } else { json!(["another", AUDIENCE]) };
    claims["iat"] = json!(NOW + START_LEEWAY_SECONDS - i64::from(a));
    claims["nbf"] = json!(NOW + START_LEEWAY_SECONDS - i64::from(b));
    claims["exp"] = json!(NOW + 1 + i64::from(b));
    claims["more"] = others.clone();
    let token = SIGNER.key.sign_jws(ACCESS_TOKEN_TYPE, &claims).expect("JSON");
    assert_eq!(verify(&token), Ok(claims));
}

/// Whether a claim is `wanted`, or a list with it in it.
fn names(claim: &Value, wanted: &str) -> bool {
    claim == wanted || claim.as_array().is_some_and(|many| many.iter().any(|one| one == wanted))
}
