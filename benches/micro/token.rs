//! An access token signed and verified, without the memory of tokens that were found good.
#![expect(clippy::expect_used, reason = "a bench that fails must end")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use oubli_vault::token::ACCESS_TOKEN_TYPE;
use oubli_vault::{SigningKey, verify_access_token};
use serde_json::{Value, json};

const ISSUER: &str = "https://oubli.example";
const NOW: i64 = 1_772_443_800;

fn token(criterion: &mut Criterion) {
    let key = SigningKey::generate();
    let keys = [key.verifying_key().clone()];
    let claims = json!({
        "iss": ISSUER, "aud": ISSUER, "sub": "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19",
        "client_id": "shop.0192f0c1e7a07c3d8f0b6a5d4c3b2a19", "iat": NOW, "exp": NOW + 900,
        "jti": "0192f0c1e7a07c3d8f0b6a5d4c3b2a19", "scope": "records:read records:write",
        "app": "shop",
    });
    let token = key.sign_jws(ACCESS_TOKEN_TYPE, &claims).expect("signed");

    let mut group = criterion.benchmark_group("access token");
    group.bench_function("sign", |bench| {
        bench.iter(|| key.sign_jws(ACCESS_TOKEN_TYPE, black_box(&claims)).expect("signed"));
    });
    group.bench_function("verify", |bench| {
        bench.iter(|| {
            verify_access_token::<Value>(black_box(&token), &keys, ISSUER, ISSUER, NOW)
                .expect("verified")
        });
    });
}

criterion_group!(benches, token);
criterion_main!(benches);
