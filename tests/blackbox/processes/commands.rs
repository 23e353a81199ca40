//! The commands that people and scripts run.

use std::collections::BTreeMap;
use std::fs;

use futures_util::future::join_all;
use oubli_tests::{Caller, Engine, PASSWORD, both_engines};
use reqwest::Method;
use serde_json::json;

use super::installation::{Installation, customer, open_shop};

both_engines! {
    async fn the_first_admin_app_and_client_come_from_the_command_line(engine: Engine) {
        let own = Installation::new(engine).await;
        let create = |name: &'static str| ["user", "create", "--name", name, "--role", "admin"];
        let typed = format!("{PASSWORD}\n");
        let made = own.run_with(&create("ada"), &typed).await.succeeds();
        assert!(made.stdout.trim().starts_with("usr_"), "{made:?}");
        own.run_with(&create("ada"), &typed).await.fails_saying(&["exists"]);
        own.run_with(&create("bob"), "short\n").await.fails_saying(&["oubli: "]);
        own.run_with(&create("bob"), "").await.fails_saying(&["oubli: "]);
        let listed = own.run(&["user", "list"]).await.succeeds().stdout;
        assert!(listed.contains("ada\tadmin\t*\tactive"), "{listed}");
        assert_eq!(listed.lines().count(), 1);
        let (client, secret) = own.shop().await;
        own.run(&["app", "create", "shop"]).await.fails_saying(&["exists"]);
        own.run(&["app", "create", "No Name"]).await.fails_saying(&["oubli: "]);
        let clients = own.run(&["client", "list", "--app", "shop"]).await.succeeds().stdout;
        assert!(clients.contains(&client) && !clients.contains(&secret));

        let process = own.start("all").await;
        let login = json!({ "name": "ada", "password": PASSWORD });
        let anonymous = Caller::new(&process.url);
        anonymous.post("/v1/staff/login", &login).await.expect_status(200);
        let shop = open_shop(&process, &(client.clone(), secret.clone())).await;
        customer(&shop, "ada@example.org").await;
        process.stop().await;
        let rotated = own.run(&["client", "rotate", &client]).await.succeeds().stdout;
        assert!(rotated.contains(&client) && !rotated.contains(&secret));
        own.run(&["client", "revoke", &client]).await.succeeds();
        let process = own.start("all").await;
        shop.at(&process.url).get("/data-map").await.expect_problem(401, "unauthenticated");
        process.stop().await;
    }

    async fn certificates_and_health_have_exit_codes(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let ada = customer(&shop, "ada@example.org").await;
        let request = shop.request_of("erasure", &ada).await;
        shop.completed(&request).await;
        let (certificate, keys) = shop.certificate(&request).await;
        fs::write(own.path("certificate.jws"), &certificate).unwrap();
        fs::write(own.path("keys.json"), &keys).unwrap();
        let health = own.run(&["health", "--url", &process.url]).await.succeeds();
        assert!(health.stdout.contains("\"pass\""), "{health:?}");
        let url = process.url.clone();
        process.stop().await;
        assert_ne!(own.run(&["health", "--url", &url]).await.code, Some(0));

        let verify = |file: &'static str, keys: &'static str| {
            ["verify", "certificate", file, "--keys", keys]
        };
        // Offline: no service runs, and the databases are out of reach.
        let checked = own.run(&verify("certificate.jws", "keys.json")).await.succeeds();
        assert!(checked.stdout.contains(&request) && checked.stdout.contains("holds"));
        own.run_with(&verify("-", "keys.json"), &certificate).await.succeeds();
        fs::write(own.path("changed.jws"), tampered(&certificate)).unwrap();
        fs::write(own.path("none.json"), r#"{"keys":[]}"#).unwrap();
        for (file, keys) in [
            ("changed.jws", "keys.json"), ("certificate.jws", "none.json"),
            ("missing.jws", "keys.json"), ("certificate.jws", "certificate.jws"),
            ("keys.json", "keys.json"),
        ] {
            assert_eq!(own.run(&verify(file, keys)).await.code, Some(1), "{file} {keys}");
        }
    }

    async fn receipts_are_checked_offline(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let ada = shop.subject("ada@example.org").await;
        let event = shop.grant(&ada).await.expect_status(201).text("/event");
        let path = format!("/subjects/{ada}/consents/{event}/receipt");
        let receipt = String::from_utf8(shop.get(&path).await.expect_status(200).bytes).unwrap();
        let request = shop.request_of("erasure", &ada).await;
        shop.completed(&request).await;
        let (certificate, keys) = shop.certificate(&request).await;
        process.stop().await;

        for (name, text) in [
            ("receipt.jws", receipt.clone()), ("changed.jws", tampered(&receipt)),
            ("certificate.jws", certificate), ("wrong.json", with_another_key(&keys)),
            ("keys.json", keys),
        ] {
            fs::write(own.path(name), text).unwrap();
        }
        let verify = |file: &'static str, keys: &'static str| {
            ["verify", "receipt", file, "--keys", keys]
        };
        let checked = own.run(&verify("receipt.jws", "keys.json")).await.succeeds();
        assert!(checked.stdout.contains(&event) && checked.stdout.contains("holds"));
        own.run_with(&verify("-", "keys.json"), &receipt).await.succeeds();
        for (file, keys) in [
            ("changed.jws", "keys.json"), ("certificate.jws", "keys.json"),
            ("receipt.jws", "wrong.json"), ("receipt.jws", "receipt.jws"),
            ("missing.jws", "keys.json"),
        ] {
            assert_eq!(own.run(&verify(file, keys)).await.code, Some(1), "{file} {keys}");
        }
        let other = own.run(&["verify", "certificate", "receipt.jws", "--keys", "keys.json"]).await;
        assert_eq!(other.code, Some(1), "a receipt is no certificate");
    }

    async fn a_stop_ends_what_was_begun(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let ada = customer(&shop, "ada@example.org").await;
        let erased = customer(&shop, "bob@example.org").await;
        let request = shop.request_of("erasure", &erased).await;
        let put = |n: usize| {
            let path = format!("/subjects/{ada}/records/profile/r-{n}");
            let request = shop.request(Method::PUT, &path).json(&json!({ "name": n.to_string() }));
            // Refused connections are what a stopped service gives; a broken answer is not.
            async move { (n, request.send().await.map(|answer| answer.status().as_u16())) }
        };
        let stopped = async {
            join_all((0..10).map(put)).await.iter().for_each(|(_, put)| assert_eq!(put.as_ref().unwrap(), &201));
            process.terminate();
            process.end().await
        };
        let (late, (code, log)) = tokio::join!(join_all((10..60).map(put)), stopped);
        assert_eq!(code, Some(0), "{log}");
        let written: BTreeMap<usize, bool> =
            late.iter().map(|(n, put)| (*n, matches!(put, Ok(201)))).collect();

        let process = own.start("all").await;
        let shop = shop.at(&process.url);
        for n in 0..60 {
            let path = format!("/subjects/{ada}/records/profile/r-{n}?purpose=delivery");
            let read = shop.get(&path).await;
            if written.get(&n).copied().unwrap_or(true) {
                assert_eq!(read.expect_status(200).body["body"]["name"], n.to_string());
            }
        }
        shop.completed(&request).await;
        process.stop().await;
    }
}

/// A signed text with one letter changed.
fn tampered(jws: &str) -> String {
    let half = jws.len() / 2;
    let letter = if &jws[half..=half] == "A" { "B" } else { "A" };
    format!("{}{letter}{}", &jws[..half], &jws[half + 1..])
}

/// The published keys with the public key of RFC 8037, appendix A.2, in place of each.
fn with_another_key(keys: &str) -> String {
    let mut keys: serde_json::Value = serde_json::from_str(keys).unwrap();
    for key in keys["keys"].as_array_mut().unwrap() {
        assert!(key["x"].is_string());
        key["x"] = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo".into();
    }
    keys.to_string()
}

#[tokio::test]
async fn the_demo_holds() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let ended = own.run(&["demo", "--exit"]).await.succeeds();
    assert!(ended.stdout.contains("curl"), "{ended:?}");
    assert!(!own.path("data").exists(), "the demo has a store of its own");
}

#[tokio::test]
async fn the_command_line_explains_itself() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let help = own.run(&["help"]).await.succeeds().stdout;
    for command in
        ["all", "serve", "worker", "migrate", "user", "app", "client", "demo", "openapi", "verify"]
    {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in {help}");
        let about = own.run(&[command, "--help"]).await.succeeds().stdout;
        assert!(about.contains("Usage: "), "{about}");
    }
    assert_eq!(own.run(&["nothing"]).await.code, Some(2));
    let openapi = own.run(&["openapi"]).await.succeeds().stdout;
    let openapi: serde_json::Value = serde_json::from_str(&openapi).unwrap();
    assert!(openapi["openapi"].as_str().unwrap().starts_with("3.1"));
}
