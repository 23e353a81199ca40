#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oubli_domain::scope::{Scope, Scopes};
use oubli_domain::{AppId, Code};
use oubli_vault::{SigningKey, VerifyingKey};
use serde_json::json;

use super::token::{IssuedToken, TokenRefusal, TokenRequest, issue};
use super::{Claims, Principal, VerifiedTokens, keys, verify};
use crate::clients::{self, NewClient, WithSecret};
use crate::testing::{self, ISSUER, START, refused};
use crate::{Call, Oubli};

async fn client(oubli: &Oubli, app: &AppId, scopes: &str) -> WithSecret {
    let scopes = Scopes::parse(scopes).unwrap();
    let new = NewClient { title: "Backend".to_owned(), scopes };
    clients::create(oubli, &Call::system(app.clone()), new).await.unwrap()
}

fn request(client: &WithSecret) -> TokenRequest<'_> {
    TokenRequest {
        grant_type: "client_credentials",
        client_id: client.client.as_str(),
        client_secret: client.secret.expose(),
        scope: None,
    }
}

async fn token(oubli: &Oubli, client: &WithSecret) -> String {
    issue(oubli, request(client)).await.unwrap().access_token
}

fn claims(oubli: &Oubli, token: &str) -> Claims {
    oubli.secrets().signing(oubli.now()).verifying_key().verify_jws("at+jwt", token).unwrap()
}

#[tokio::test]
async fn a_token_says_whose_it_is_and_lets_its_client_in() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let made = client(&oubli, &shop, "records:read subjects:read").await;
    let IssuedToken { access_token, expires_in, scopes } =
        issue(&oubli, request(&made)).await.unwrap();
    assert_eq!((expires_in, scopes.to_string().as_str()), (900, "subjects:read records:read"));
    let said = claims(&oubli, &access_token);
    assert_eq!((said.iss.as_str(), said.aud.as_str()), (ISSUER, ISSUER));
    assert_eq!((said.sub.as_str(), &said.client_id), (made.client.as_str(), &said.sub));
    assert_eq!((said.iat, said.exp), (START.seconds(), START.seconds() + 900));
    assert_eq!(said.scope, "subjects:read records:read");
    assert_ne!(said.jti, claims(&oubli, &token(&oubli, &made).await).jti);
    let expected = Principal::Client { client: made.client, app: shop, scopes };
    assert_eq!(verify(&oubli, &access_token).await.unwrap(), expected);
    assert_eq!(verify(&oubli, &access_token).await.unwrap(), expected, "the remembered one too");
}

#[tokio::test]
async fn a_token_ends_to_the_second_also_when_it_is_remembered() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let token = token(&oubli, &client(&oubli, &shop, "records:read").await).await;
    clock.advance(899);
    verify(&oubli, &token).await.unwrap();
    clock.advance(1);
    assert_eq!(refused(verify(&oubli, &token).await), Code::Unauthenticated);
}

#[tokio::test]
async fn a_revocation_counts_at_once_here_and_within_five_seconds_elsewhere() {
    let (dir, here, clock) = testing::oubli().await;
    let elsewhere = testing::node(&dir, &clock).await;
    let shop = testing::app(&here, "shop").await;
    let made = client(&here, &shop, "records:read").await;
    let other = client(&here, &shop, "records:read").await;
    let (token, kept) = (token(&here, &made).await, token(&here, &other).await);
    for node in [&here, &elsewhere] {
        verify(node, &token).await.unwrap();
    }
    clients::revoke(&here, &Call::system(shop.clone()), &made.client).await.unwrap();
    assert_eq!(refused(verify(&here, &token).await), Code::Unauthenticated);
    clock.advance(5);
    assert_eq!(refused(verify(&elsewhere, &token).await), Code::Unauthenticated);
    verify(&here, &kept).await.unwrap();
    let refusal = issue(&here, request(&made)).await.err().unwrap();
    assert!(matches!(refusal, TokenRefusal::InvalidClient));
}

#[tokio::test]
async fn a_check_that_began_before_a_revocation_is_not_remembered_after_it() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let token = token(&oubli, &client(&oubli, &shop, "records:read").await).await;
    let principal = verify(&oubli, &token).await.unwrap();
    let (tokens, key) = (VerifiedTokens::new(), VerifiedTokens::key(&token));
    let before = tokens.generation();
    tokens.forget();
    tokens.put(key, principal.clone(), START.seconds() + 900, START, before);
    assert_eq!(tokens.get(&key, START), None);
    tokens.put(key, principal.clone(), START.seconds() + 900, START, tokens.generation());
    assert_eq!(tokens.get(&key, START), Some(principal));
    assert_eq!(tokens.get(&key, START.plus_seconds(4)), None, "believed for less than 4 seconds");
    assert_eq!(tokens.get(&key, START.plus_seconds(-1)), None, "nor when the clock steps back");
}

#[tokio::test]
async fn a_rotated_secret_replaces_the_old_one_and_voids_no_token() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let old = client(&oubli, &shop, "records:read").await;
    let before = token(&oubli, &old).await;
    let call = Call::system(shop);
    let new = clients::rotate_secret(&oubli, &call, &old.client, 0).await.unwrap();
    let refusal = issue(&oubli, request(&old)).await.err().unwrap();
    assert!(matches!(refusal, TokenRefusal::InvalidClient));
    verify(&oubli, &before).await.unwrap();
    verify(&oubli, &token(&oubli, &new).await).await.unwrap();
}

#[tokio::test]
async fn two_secrets_hold_until_the_time_that_was_stated() {
    let (_dir, oubli, clock) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let (call, first) = (Call::system(shop.clone()), client(&oubli, &shop, "records:read").await);
    let rotate = async |keep| clients::rotate_secret(&oubli, &call, &first.client, keep).await;
    let until = async || {
        clients::get(&oubli, &call.caller, &first.client).await.unwrap().previous_secret_until
    };
    assert_eq!(refused(rotate(clients::MAX_KEEP_SECONDS + 1).await), Code::InvalidBody);
    let second = rotate(3_600).await.unwrap();
    assert_eq!(until().await, Some(START.plus_seconds(3_600)));
    for secret in [&first, &second] {
        verify(&oubli, &token(&oubli, secret).await).await.unwrap();
    }
    clock.advance(3_599);
    assert!(issue(&oubli, request(&first)).await.is_ok());
    clock.advance(1);
    assert!(issue(&oubli, request(&first)).await.is_err(), "its time is over");
    assert!(issue(&oubli, request(&second)).await.is_ok());
    assert_eq!(until().await, None, "what is over is not shown");

    let third = rotate(60).await.unwrap();
    let fourth = rotate(60).await.unwrap();
    assert!(issue(&oubli, request(&second)).await.is_err(), "the one before the last ends");
    for secret in [&third, &fourth] {
        assert!(issue(&oubli, request(secret)).await.is_ok());
    }
    rotate(0).await.unwrap();
    for secret in [&third, &fourth] {
        assert!(issue(&oubli, request(secret)).await.is_err());
    }
}

#[tokio::test]
async fn what_is_no_token_of_ours_is_refused_alike() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let good = token(&oubli, &client(&oubli, &shop, "records:read").await).await;
    let said = claims(&oubli, &good);
    let secrets = oubli.secrets();
    let key = secrets.signing(oubli.now());
    let sign = |change: &dyn Fn(&mut Claims)| {
        let mut claims = said.clone();
        change(&mut claims);
        key.sign_jws("at+jwt", &claims).unwrap()
    };
    assert!(verify(&oubli, &sign(&|_| {})).await.is_ok(), "the control");
    let unsigned = |header: serde_json::Value| {
        let part = |value: &str| URL_SAFE_NO_PAD.encode(value);
        let claims = serde_json::to_string(&said).unwrap();
        format!("{}.{}.", part(&header.to_string()), part(&claims))
    };
    let body = good.rsplit_once('.').unwrap().0;
    let bad = [
        String::new(),
        "a.b.c".to_owned(),
        "x".repeat(5_000),
        sign(&|c| c.iss = "https://other.test".to_owned()),
        sign(&|c| c.aud = "https://other.test".to_owned()),
        sign(&|c| c.app = None),
        sign(&|c| c.app = AppId::new("other").ok()),
        sign(&|c| c.sub = "shop.0".to_owned()),
        sign(&|c| c.scope = "everything".to_owned()),
        sign(&|c| c.exp = START.seconds()),
        sign(&|c| c.iat = START.seconds() + 60),
        key.sign_jws("JWT", &said).unwrap(),
        SigningKey::generate().sign_jws("at+jwt", &said).unwrap(),
        unsigned(json!({"alg": "none", "typ": "at+jwt"})),
        unsigned(json!({"alg": "none", "typ": "at+jwt", "kid": key.key_id()})),
        unsigned(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": key.key_id()})),
        format!("{body}.{}", "A".repeat(86)),
    ];
    for (n, token) in bad.iter().enumerate() {
        assert_eq!(refused(verify(&oubli, token).await), Code::Unauthenticated, "case {n}");
    }
}

#[tokio::test]
async fn a_client_may_ask_for_fewer_scopes_and_never_for_more() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let made = client(&oubli, &shop, "records:read records:write").await;
    let ask = async |scope| issue(&oubli, TokenRequest { scope, ..request(&made) }).await;
    let fewer = ask(Some("records:read")).await.unwrap();
    assert_eq!(fewer.scopes.to_string(), "records:read");
    let principal = verify(&oubli, &fewer.access_token).await.unwrap();
    assert_eq!(refused(principal.caller_for(&shop, Scope::RecordsWrite)), Code::InsufficientScope);
    assert_eq!(ask(Some("")).await.unwrap().scopes, ask(None).await.unwrap().scopes);
    for scope in ["subjects:read", "records:read subjects:read", "apps:manage", "all", " "] {
        let refusal = ask(Some(scope)).await.err().unwrap();
        assert!(matches!(refusal, TokenRefusal::InvalidScope), "{scope}");
    }
}

#[tokio::test]
async fn who_proves_nothing_gets_no_token() {
    let (_dir, oubli, _) = testing::oubli().await;
    let shop = testing::app(&oubli, "shop").await;
    let made = client(&oubli, &shop, "records:read").await;
    let other = client(&oubli, &shop, "records:read").await;
    let good = request(&made);
    let unknown = format!("nowhere.{}", "0".repeat(32));
    for bad in [
        TokenRequest { client_secret: other.secret.expose(), ..good },
        TokenRequest { client_secret: "", ..good },
        TokenRequest { client_id: &unknown, ..good },
        TokenRequest { client_id: "not an id", ..good },
        TokenRequest { client_id: "", ..good },
    ] {
        let refusal = issue(&oubli, bad).await.err().unwrap();
        assert_eq!(refusal.code(), Some("invalid_client"));
    }
    for (grant_type, code) in [("", "invalid_request"), ("password", "unsupported_grant_type")] {
        let refusal = issue(&oubli, TokenRequest { grant_type, ..good }).await.err().unwrap();
        assert_eq!(refusal.code(), Some(code));
    }
}

#[tokio::test]
async fn a_client_reaches_its_own_app_alone() {
    let (_dir, oubli, _) = testing::oubli().await;
    let (shop, other) = (testing::app(&oubli, "shop").await, testing::app(&oubli, "other").await);
    let token = token(&oubli, &client(&oubli, &shop, "app:read").await).await;
    let principal = verify(&oubli, &token).await.unwrap();
    let caller = principal.caller_for(&shop, Scope::AppRead).unwrap();
    assert_eq!((caller.app, caller.actor), (shop.clone(), principal.actor()));
    let nowhere = AppId::new("nowhere").unwrap();
    for foreign in [&other, &nowhere] {
        for scope in [Scope::AppRead, Scope::AppWrite] {
            assert_eq!(refused(principal.caller_for(foreign, scope)), Code::AppNotFound);
        }
    }
    assert_eq!(refused(principal.caller_for(&shop, Scope::AppWrite)), Code::InsufficientScope);
    assert_eq!(refused(principal.staff_scope(Scope::AppRead)), Code::InsufficientScope);
}

#[tokio::test]
async fn published_keys_verify_what_was_signed() {
    let (_dir, oubli, _) = testing::oubli().await;
    let (shop, other) = (testing::app(&oubli, "shop").await, testing::app(&oubli, "other").await);
    let token = token(&oubli, &client(&oubli, &shop, "app:read").await).await;
    let published = VerifyingKey::from_jwk(&keys::jwks(&oubli).await[0]).unwrap();
    assert!(published.verify_jws::<Claims>("at+jwt", &token).is_ok());

    let signed = oubli.keyring().app(&shop).await.unwrap();
    let signed = signed.log_signing.sign_jws("test", &json!({"n": 1})).unwrap();
    let published = keys::log_keys(&oubli).await.unwrap();
    let names: Vec<_> = published.iter().map(|key| key.app.clone()).collect();
    assert_eq!(names, [other, shop]);
    let verifies = |key: &keys::LogKey| {
        let key = VerifyingKey::from_jwk(&key.key).unwrap();
        key.verify_jws::<serde_json::Value>("test", &signed).is_ok()
    };
    assert_eq!(published.iter().map(verifies).collect::<Vec<_>>(), [false, true]);
    assert!(published.iter().all(|k| k.valid_from == START && k.valid_until.is_none()));
}
