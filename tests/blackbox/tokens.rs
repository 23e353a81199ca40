//! Access tokens: what is refused, how they are had, and when they end.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use oubli_domain::Time;
use oubli_domain::clock::TestClock;
use oubli_domain::scope::Role;
use oubli_tests::{Caller, PASSWORD, Reply, TestServer, both_engines};
use reqwest::Method;
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const GRANT: &str = "grant_type=client_credentials";

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// Header, claims and signature of a token.
fn parts(token: &str) -> (Value, Value, Vec<u8>) {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next().unwrap(), parts.next().unwrap());
    let signature = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
    (decoded(header), decoded(claims), signature)
}

fn joined(signed: &str, signature: &[u8]) -> String {
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// The key of the key set that a token names.
async fn public_key(server: &TestServer, kid: &Value) -> VerifyingKey {
    let set = server.anonymous().get("/.well-known/jwks.json").await.expect_status(200);
    let keys = set.body["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == *kid).unwrap();
    assert_eq!(
        (&key["kty"], &key["crv"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("sig"))
    );
    assert!(key.get("d").is_none(), "the private key is published");
    let bytes = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
    VerifyingKey::from_bytes(&bytes.try_into().unwrap()).unwrap()
}

async fn who(server: &TestServer, token: &str) -> Reply {
    server.anonymous().with_token(token).get("/v1/apps/shop").await
}

/// Tokens that were never issued, made from one that was.
fn forgeries(token: &str, public: &VerifyingKey) -> Vec<(&'static str, String)> {
    let (signed, _) = token.rsplit_once('.').unwrap();
    let (header, claims, signature) = parts(token);
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        format!("{}.{}", encoded(&header), encoded(&claims))
    };
    let own = SigningKey::from_bytes(&[7; 32]);
    let sign = |text: String| joined(&text, &own.sign(text.as_bytes()).to_bytes());
    let hmac = |key: &[u8]| {
        let text = with("alg", json!("HS256"));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        joined(&text, &mac.finalize().into_bytes())
    };
    let mut other_app = claims.clone();
    other_app["app"] = json!("market");
    let other_app = format!("{}.{}", encoded(&header), encoded(&other_app));
    let mut flipped = signature.clone();
    flipped[10] ^= 1;
    let x = URL_SAFE_NO_PAD.encode(public.as_bytes());
    vec![
        ("a changed signature", joined(signed, &flipped)),
        ("a short signature", joined(signed, &signature[..63])),
        ("no signature", format!("{signed}.")),
        ("no third part", signed.to_owned()),
        ("changed claims", joined(&other_app, &signature)),
        ("another key under our kid", sign(signed.to_owned())),
        ("another key that the header brings", sign(with("jwk", json!({ "kty": "OKP", "x": x })))),
        ("an unknown kid", sign(with("kid", json!("unknown")))),
        ("no algorithm", format!("{}.", with("alg", json!("none")))),
        ("no algorithm, with our signature", joined(&with("alg", json!("None")), &signature)),
        ("HS256 under the public key", hmac(public.as_bytes())),
        ("HS256 under the text of the public key", hmac(x.as_bytes())),
        ("garbage", "x".to_owned()),
        ("dots", "..".to_owned()),
        ("nothing", String::new()),
        ("much", "x".repeat(6_000)),
    ]
}

/// A token request by form alone.
async fn token(server: &TestServer, form: &str) -> Reply {
    let request = server.anonymous().request(Method::POST, "/oauth2/token");
    Reply::of(request.header("content-type", FORM).body(form.to_owned())).await
}

/// A client of `shop` with these scopes: its id and secret.
async fn client(admin: &Caller, scopes: &[&str]) -> (String, String) {
    let new = json!({ "title": "t", "scopes": scopes });
    let made = admin.post("/v1/apps/shop/clients", &new).await.expect_status(201);
    (made.text("/client_id"), made.text("/client_secret"))
}

#[track_caller]
fn expect_oauth_error(reply: &Reply, status: u16, error: &str) {
    assert_eq!((reply.status, &reply.body["error"]), (status, &json!(error)));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("www-authenticate").is_some(), status == 401);
}

async fn log_in(server: &TestServer, name: &str, password: &str) -> Reply {
    let login = json!({ "name": name, "password": password });
    server.anonymous().post("/v1/staff/login", &login).await
}

both_engines! {
    async fn forged_tokens_are_refused(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        who(&server, shop.token()).await.expect_status(200);
        let public = public_key(&server, &parts(shop.token()).0["kid"]).await;
        for (what, forged) in forgeries(shop.token(), &public) {
            let reply = who(&server, &forged).await;
            assert_eq!(reply.status, 401, "{what}: {}", reply.body);
            reply.expect_problem(401, "unauthenticated");
        }
    }

    async fn the_published_key_verifies_the_token(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let (header, claims, signature) = parts(shop.token());
        assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
        let (signed, _) = shop.token().rsplit_once('.').unwrap();
        let key = public_key(&server, &header["kid"]).await;
        let signature = Signature::from_slice(&signature).unwrap();
        key.verify_strict(signed.as_bytes(), &signature).unwrap();

        let told = server.anonymous().get("/.well-known/oauth-authorization-server").await;
        let told = told.expect_status(200).body;
        assert_eq!(told["issuer"], claims["iss"]);
        let issuer = told["issuer"].as_str().unwrap();
        for (name, path) in
            [("token_endpoint", "/oauth2/token"), ("jwks_uri", "/.well-known/jwks.json")]
        {
            assert_eq!(told[name], format!("{issuer}{path}"));
        }
        assert_eq!(told["grant_types_supported"], json!(["client_credentials"]));
        assert_eq!(
            claims["scope"].as_str().unwrap().split(' ').count(),
            told["scopes_supported"].as_array().unwrap().len()
        );
    }

    async fn a_token_counts_where_it_was_issued_and_for_nothing_else_we_sign(engine: Engine) {
        let mut server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let staff = server.staff(Role::Dpo, "*").await;
        server.restart_as("http://elsewhere.test").await;
        for elsewhere in [shop.token(), staff.token()] {
            who(&server, elsewhere).await.expect_problem(401, "unauthenticated");
        }
        server.restart_as("http://oubli.test").await;
        for known in [shop.token(), staff.token()] {
            who(&server, known).await.expect_status(200);
        }
        let shop = shop.at(&server.url);
        let ada = shop.subject("ada@example.org").await;
        let erasure = json!({ "right": "erasure", "subject": ada });
        let request = shop.post("/requests", &erasure).await.expect_status(202).text("/request");
        shop.completed(&request).await;
        let certificate = shop.get(&format!("/requests/{request}/certificate")).await;
        let certificate = String::from_utf8(certificate.expect_status(200).bytes).unwrap();
        who(&server, certificate.trim()).await.expect_problem(401, "unauthenticated");
    }

    async fn a_token_ends_to_the_second(engine: Engine) {
        let clock = Arc::new(TestClock::at(Time(1_790_000_000_000_000)));
        let server = TestServer::start_at(engine, clock.clone()).await;
        let shop = server.app("shop").await;
        let (_, claims, _) = parts(shop.token());
        let lives = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
        assert_eq!(lives, 900);
        clock.advance(lives - 1);
        who(&server, shop.token()).await.expect_status(200);
        clock.advance(1);
        who(&server, shop.token()).await.expect_problem(401, "unauthenticated");
        clock.advance(-lives - 60);
        who(&server, shop.token()).await.expect_problem(401, "unauthenticated");
    }

    async fn a_revoked_client_is_out_at_once(engine: Engine) {
        let server = TestServer::start(engine).await;
        server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let (id, secret) = client(&admin, &["app:read"]).await;
        let shop = server.anonymous().for_app("shop").sign_in(&id, &secret).await;
        who(&server, shop.token()).await.expect_status(200);
        admin.delete(&format!("/v1/apps/shop/clients/{id}")).await.expect_status(204);
        who(&server, shop.token()).await.expect_problem(401, "unauthenticated");
        let form = format!("{GRANT}&client_id={id}&client_secret={secret}");
        expect_oauth_error(&token(&server, &form).await, 401, "invalid_client");
    }

    async fn a_new_secret_takes_the_place_of_the_old(engine: Engine) {
        let server = TestServer::start(engine).await;
        server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let (id, old) = client(&admin, &["app:read"]).await;
        let path = format!("/v1/apps/shop/clients/{id}/secret");
        let rotated = Reply::of(admin.request(Method::POST, &path)).await.expect_status(200);
        let form = |secret: &str| format!("{GRANT}&client_id={id}&client_secret={secret}");
        expect_oauth_error(&token(&server, &form(&old)).await, 401, "invalid_client");
        token(&server, &form(&rotated.text("/client_secret"))).await.expect_status(200);
    }

    async fn one_header_brings_one_bearer_token(engine: Engine) {
        let server = TestServer::start(engine).await;
        let shop = server.app("shop").await;
        let good = format!("Bearer {}", shop.token());
        let ask = |headers: Vec<String>| {
            let plain = server.anonymous().request(Method::GET, "/v1/apps/shop");
            Reply::of(
                headers.into_iter().fold(plain, |r, header| r.header("authorization", header)),
            )
        };
        ask(vec![good.clone()]).await.expect_status(200);
        ask(vec![good.replacen("Bearer", "bEARER", 1)]).await.expect_status(200);
        for bad in [
            vec![good.clone(), good.clone()],
            vec![good.clone(), "Bearer x".to_owned()],
            vec!["Basic eDp5".to_owned()],
            vec![shop.token().to_owned()],
            vec!["Bearer".to_owned()],
            vec![good.replacen("Bearer", "Token", 1)],
            vec![format!("{good} x")],
        ] {
            ask(bad).await.expect_problem(401, "unauthenticated");
        }
        let query = format!("/v1/apps/shop?access_token={}", shop.token());
        server.anonymous().get(&query).await.expect_problem(401, "unauthenticated");
    }

    async fn clients_get_tokens_by_basic_or_by_form(engine: Engine) {
        let server = TestServer::start(engine).await;
        server.app("shop").await;
        let admin = server.staff(Role::Admin, "*").await;
        let (id, secret) = client(&admin, &["app:read", "clients:read"]).await;
        let own = format!("client_id={id}&client_secret={secret}");
        let basic = |form: String, secret: &str| {
            let request = server.anonymous().request(Method::POST, "/oauth2/token");
            let request = request.basic_auth(&id, Some(secret)).header("content-type", FORM);
            Reply::of(request.body(form))
        };
        let narrowed = token(&server, &format!("{GRANT}&{own}&scope=app%3Aread")).await;
        let narrowed = narrowed.expect_status(200);
        assert_eq!(narrowed.text("/scope"), "app:read");
        let narrow = server.anonymous().with_token(narrowed.text("/access_token"));
        narrow.get("/v1/apps/shop").await.expect_status(200);
        narrow.get("/v1/apps/shop/clients").await.expect_problem(403, "insufficient-scope");
        assert_eq!(
            basic(GRANT.to_owned(), &secret).await.expect_status(200).body["expires_in"],
            900
        );

        expect_oauth_error(&basic(format!("{GRANT}&{own}"), &secret).await, 400, "invalid_request");
        expect_oauth_error(&basic(GRANT.to_owned(), "wrong").await, 401, "invalid_client");
        let unknown = format!("shop.{}", "0".repeat(32));
        for (form, status, error) in [
            (format!("{GRANT}&client_id={id}&client_secret=mistaken"), 401, "invalid_client"),
            (format!("{GRANT}&client_id={unknown}&client_secret={secret}"), 401, "invalid_client"),
            (format!("{GRANT}&client_id=x&client_secret=y"), 401, "invalid_client"),
            (GRANT.to_owned(), 401, "invalid_client"),
            (format!("{GRANT}&client_id={id}"), 400, "invalid_request"),
            (format!("{GRANT}&{GRANT}&{own}"), 400, "invalid_request"),
            (own.clone(), 400, "invalid_request"),
            (format!("grant_type=password&{own}"), 400, "unsupported_grant_type"),
            (format!("{GRANT}&{own}&scope=app%3Awrite"), 400, "invalid_scope"),
            (format!("{GRANT}&{own}&scope=all"), 400, "invalid_scope"),
            (format!("{GRANT}&{own}&scope=%20"), 400, "invalid_scope"),
        ] {
            let reply = token(&server, &form).await;
            expect_oauth_error(&reply, status, error);
            let text = String::from_utf8(reply.bytes).unwrap();
            assert!(!text.contains(&id) && !text.contains("mistaken"), "{text}");
        }
    }

    async fn signing_out_ends_the_token_at_once(engine: Engine) {
        let server = TestServer::start(engine).await;
        let dpo = server.staff(Role::Dpo, "*").await;
        let other = server.staff(Role::Dpo, "*").await;
        dpo.get("/v1/apps").await.expect_status(200);
        Reply::of(dpo.request(Method::POST, "/v1/staff/logout")).await.expect_status(204);
        dpo.get("/v1/apps").await.expect_problem(401, "unauthenticated");
        other.get("/v1/apps").await.expect_status(200);
    }

    async fn failures_lock_an_account_for_a_while(engine: Engine) {
        let clock = Arc::new(TestClock::at(Time(1_790_000_000_000_000)));
        let server = TestServer::start_at(engine, clock.clone()).await;
        let name = server.staff_user(Role::Auditor, "*").await;
        let failed = log_in(&server, &name, "wrong").await;
        failed.expect_problem(401, "login-failed");
        log_in(&server, &name, PASSWORD).await.expect_status(200);
        // Four more than lock: a failure is counted after its answer, four of them at once.
        for _ in 0..14 {
            let again = log_in(&server, &name, "wrong").await;
            assert_eq!((again.status, &again.bytes), (failed.status, &failed.bytes));
        }
        for name in [name.as_str(), "nobody"] {
            let locked = log_in(&server, name, PASSWORD).await;
            assert_eq!((locked.status, &locked.bytes), (failed.status, &failed.bytes), "{name}");
        }
        clock.advance(15 * 60);
        log_in(&server, &name, PASSWORD).await.expect_status(200);
    }
}
