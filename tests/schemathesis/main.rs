//! Runs a command beside a service on an engine with something in it, and ends with its status:
//! `oubli-beside <sqlite|postgres> <client|admin|dpo> <command> [argument...]`. The command finds the
//! URL in `OUBLI_BESIDE_URL`, the caller's token in `OUBLI_BESIDE_TOKEN`, and in `OUBLI_BESIDE_IDS`
//! a JSON object of what exists, by the names of path parameters.

use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use oubli_domain::scope::Role;
use oubli_tests::{Caller, Engine, TestServer};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, who, program, rest @ ..] = &*arguments else {
        bail!("usage: oubli-beside <sqlite|postgres> <client|admin|dpo> <command> [argument...]");
    };
    let engine = match &**engine {
        "sqlite" => Engine::Sqlite,
        "postgres" => Engine::Postgres,
        _ => bail!("the engine is sqlite or postgres"),
    };
    let mut server = TestServer::start_without_rate_limit(engine).await;
    let (shop, admin) = (server.app("shop").await, server.staff(Role::Admin, "*").await);
    let token = match &**who {
        "client" => shop.token().to_owned(),
        "admin" => admin.token().to_owned(),
        "dpo" => server.staff(Role::Dpo, "*").await.token().to_owned(),
        _ => bail!("the caller is client, admin or dpo"),
    };
    let ids = things(&server, &shop, &admin).await;
    let mut command = Command::new(program);
    command
        .args(rest)
        .env("OUBLI_BESIDE_URL", &server.url)
        .env("OUBLI_BESIDE_TOKEN", token)
        .env("OUBLI_BESIDE_IDS", ids.to_string());
    let ended = tokio::task::spawn_blocking(move || command.status()).await?;
    server.stop().await;
    let status = ended.with_context(|| format!("cannot run {program}"))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, Into::into))
}

/// Makes something of each kind that a path can name.
async fn things(server: &TestServer, shop: &Caller, admin: &Caller) -> Value {
    let (ada, bob) = (shop.subject("ada@example.org").await, shop.subject("bob@example.org").await);
    let phone = json!({ "type": "phone", "value": "+33612345678" });
    let phone = shop.post(&format!("/subjects/{ada}/identifiers"), &phone).await;
    let record = format!("/subjects/{ada}/records/profile/main");
    shop.put(&record, &json!({ "name": "Ada", "city": "London" })).await.expect_status(201);
    let event = shop.grant(&ada).await.expect_status(201).text("/event");
    let export = shop.request_of("access", &ada).await;
    shop.completed(&export).await;
    let (bundle, _) = shop.issue_download(&export).await;
    let carl = shop.subject("carl@example.org").await;
    let profile = format!("/subjects/{carl}/records/profile/main");
    shop.put(&profile, &json!({ "name": "Carl", "city": "Oslo" })).await.expect_status(201);
    let dpo = server.staff(Role::Dpo, "*").await.for_app("shop");
    let hold = json!({ "subject": carl, "ground": "legal_claims", "legal_reference": "File 7" });
    let hold = dpo.post("/holds", &hold).await.expect_status(201).text("/hold");
    let erasure = shop.request_of("erasure", &carl).await;
    shop.completed(&erasure).await;
    let kept = dpo.get("/kept-items").await.expect_status(200).text("/items/0/item");
    let client = json!({ "title": "other", "scopes": ["app:read"] });
    let client = admin.post("/v1/apps/shop/clients", &client).await.text("/client_id");
    server.staff_user(Role::Auditor, "*").await;
    let users = admin.get("/v1/staff/users").await.expect_status(200);
    json!({
        "app": ["shop"],
        "subject": [ada],
        "other": bob,
        "identifier": [phone.text("/identifier")],
        "category": ["profile", "invoice"],
        "record": ["main", "other"],
        "event": [event],
        "request": [export, erasure],
        "hold": [hold],
        "item": [kept],
        "export": [bundle.trim_start_matches("/exports/")],
        "client": [client],
        "notice": ["newsletter", "other"],
        "purpose": ["newsletter", "delivery"],
        "version": [1, 2],
        "slug": ["held"],
        "user": users.body["items"].as_array().into_iter().flatten()
            .filter(|user| user["role"] == "auditor").map(|user| user["user"].clone())
            .collect::<Value>(),
    })
}
