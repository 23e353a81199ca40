//! The configuration: where settings come from, which are refused, and the bounds that they set.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use oubli_tests::{Caller, Engine, Reply, both_engines};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::installation::{Installation, open_shop, write_key};

/// Writes a configuration file that its owner alone can read.
fn file(own: &Installation, text: &str) -> PathBuf {
    let path = own.path("oubli.toml");
    write_key(&path, text.as_bytes(), 0o600);
    path
}

async fn printed(own: &Installation, arguments: &[&str], env: &[(&str, &str)]) -> String {
    let mut command = own.command(&[&["config", "print"], arguments].concat());
    command.env_remove("OUBLI_CONNECTIONS").envs(env.iter().copied());
    let ended = command.output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
    String::from_utf8(ended.stdout).unwrap()
}

#[tokio::test]
async fn flags_go_before_the_environment_before_the_file_before_defaults() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let says = |text: &str, line: &str| assert!(text.contains(line), "`{line}` is not in {text}");
    let environment = [("OUBLI_CONNECTIONS", "9")];
    says(&printed(&own, &[], &[]).await, "connections = 16  # default");
    file(&own, "[storage]\nconnections = 7\n[log]\nformat = 'json'\n");
    let of_file = printed(&own, &[], &[]).await;
    says(&of_file, "connections = 7  # oubli.toml");
    says(&of_file, "format = \"json\"  # oubli.toml");
    says(&printed(&own, &[], &environment).await, "connections = 9  # OUBLI_CONNECTIONS");
    let all = printed(&own, &["--connections", "11"], &environment).await;
    says(&all, "connections = 11  # --connections");

    let other = own.path("other.toml");
    fs::write(&other, "[storage]\nconnections = 5\n").unwrap();
    let other = other.to_str().unwrap();
    says(&printed(&own, &[], &[("OUBLI_CONFIG", other)]).await, "connections = 5");
    says(&printed(&own, &["--config", other], &[]).await, "connections = 5");
    own.run(&["config", "print", "--config", "absent.toml"])
        .await
        .fails_saying(&["absent.toml", "cannot read the configuration file"]);
}

#[tokio::test]
async fn a_wrong_file_is_refused_in_the_same_words_by_all() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let path =
        file(&own, "[storage]\ndata_dirr = 'hunter2'\n[limits]\nbody_bytes = 'x'\nheaders = 9\n");
    let words = [
        "it has 4 faults",
        "oubli.toml:2:1: there is no setting storage.data_dirr; is storage.data_dir meant?",
        "oubli.toml:4:14: limits.body_bytes must be a whole number",
        "oubli.toml:5:11: limits.headers must be a whole number from 16 to 90",
        "OUBLI_KEY_CACHE_SECONDS: must be a whole number from 0 to 60",
    ];
    let path = path.to_str().unwrap();
    for arguments in [
        &["config", "check"][..],
        &["config", "check", path],
        &["all", "--bind", "127.0.0.1:0"],
        &["app", "list"],
    ] {
        let mut command = own.command(arguments);
        let ended = command.env("OUBLI_KEY_CACHE_SECONDS", "61").output().await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{told}");
        for words in words {
            assert!(told.contains(words), "`{words}` is not in {told}");
        }
        assert!(!told.contains("hunter2"), "a value is not repeated");
    }
    assert!(!own.path("data").exists() && !own.root_key().exists(), "nothing was made");
    fs::write(path, "[storage]\nconnections = 3\n").unwrap();
    let right = own.run(&["config", "check", path]).await.succeeds();
    assert!(right.stdout.contains("is right"));
    own.run(&["openapi"]).await.succeeds();
}

#[tokio::test]
async fn contradictions_are_all_told() {
    let own = Installation::untouched(Engine::Sqlite).await;
    file(
        &own,
        "[listen]\nbind = '0.0.0.0:0'\nurl = 'oubli.example'\n[storage]\ndata_url = 'postgres://h/d'\n",
    );
    own.run(&["config", "check"]).await.fails_saying(&["3 faults", "go together", "--url", "TLS"]);
    own.run(&["all"]).await.fails_saying(&["3 faults", "go together", "--url", "TLS"]);
}

#[tokio::test]
async fn a_mistyped_variable_is_warned_of() {
    let own = Installation::untouched(Engine::Sqlite).await;
    let mut command = own.command(&["config", "check"]);
    command.env("OUBLI_DATADIR", "hunter2").env("OUBLI_TEST_ANYTHING", "1");
    let ended = command.output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(ended.status.success(), "{told}");
    assert!(told.contains("OUBLI_DATADIR is no setting; is OUBLI_DATA_DIR meant?"), "{told}");
    assert!(!told.contains("OUBLI_TEST_ANYTHING") && !told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn secrets_come_from_files_and_are_never_shown() {
    let own = Installation::new(Engine::Postgres).await;
    let databases = own.databases.as_ref().unwrap();
    let (data, keys) = (databases.data_url().to_owned(), databases.keys_url().to_owned());
    write_key(&own.path("data.url"), format!("{data}\n").as_bytes(), 0o600);
    write_key(&own.path("keys.url"), keys.as_bytes(), 0o600);
    let run = async |arguments: &[&str], url: Option<&str>| {
        let mut command = own.command(arguments);
        command.env_remove("OUBLI_DATA_URL").env_remove("OUBLI_KEYS_URL");
        command.env("OUBLI_KEYS_URL_FILE", "keys.url").envs(url.map(|url| ("OUBLI_DATA_URL", url)));
        let ended = command.output().await.unwrap();
        let told = [ended.stdout, ended.stderr].map(|out| String::from_utf8(out).unwrap()).concat();
        assert!(!told.contains(&data) && !told.contains(&keys), "a URL holds a password: {told}");
        (ended.status.code(), told)
    };
    file(&own, "[storage]\ndata_url_file = 'data.url'\n");
    assert_eq!(run(&["app", "list"], None).await.0, Some(0));
    let (_, told) = run(&["config", "print"], None).await;
    assert!(told.contains("data_url_file = \"data.url\"  # oubli.toml"), "{told}");

    let (code, told) = run(&["config", "check"], Some(&data)).await;
    assert!(code == Some(1) && told.contains("both given"), "{told}");
    for mode in [0o640, 0o604] {
        fs::set_permissions(own.path("data.url"), Permissions::from_mode(mode)).unwrap();
        for arguments in [&["config", "check"][..], &["app", "list"], &["migrate"]] {
            let (code, told) = run(arguments, None).await;
            assert!(code == Some(1) && told.contains("chmod 600"), "{told}");
        }
    }
    let path = file(&own, &format!("[storage]\ndata_url = '{data}'\n"));
    let (code, told) = run(&["config", "print"], None).await;
    assert!(code == Some(0) && told.contains("data_url = \"(not shown)\""), "{told}");
    fs::set_permissions(path, Permissions::from_mode(0o644)).unwrap();
    let (code, told) = run(&["config", "check"], None).await;
    assert!(code == Some(1) && told.contains("others can read this file"), "{told}");
}

both_engines! {
    async fn the_error_of_a_bound_names_it(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        file(
            &own,
            "[limits]\nbody_bytes = 20000\nbatch_items = 2\nurl_bytes = 600\nheaders = 20\n\
             header_bytes = 9000\n",
        );
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let long = json!({ "identifiers": [], "x": "x".repeat(20_000) });
        let refused = shop.post("/subjects", &long).await;
        refused.expect_problem(413, "too-large");
        assert_eq!(refused.text("/detail"), "A body here is at most 20000 bytes (limits.body_bytes).");
        let refused = shop.post("/records:batch", &json!({ "items": items(3) })).await;
        refused.expect_problem(422, "invalid-body");
        assert_eq!(
            refused.text("/errors/0/detail"),
            "must be at most 2 items (limits.batch_items)."
        );
        shop.post("/records:batch", &json!({ "items": items(2) })).await.expect_status(200);
        let person = |n: usize| json!({ "type": "subject", "id": n.to_string(), "identifiers": [] });
        let lines = |count: usize| json!({ "lines": (0..count).map(person).collect::<Vec<_>>() });
        let somebody = json!({ "subject": format!("sub_{}", "0".repeat(32)) });
        let many = json!([somebody, somebody, somebody]);
        let read = json!({ "purpose": "fulfil", "items": many, "categories": ["profile"] });
        for (path, body, place) in
            [("/import", lines(3), "/lines"), ("/records:read", read, "/items")]
        {
            let refused = shop.post(path, &body).await;
            refused.expect_problem(422, "invalid-body");
            assert_eq!(refused.text("/errors/0/pointer"), place);
            assert!(refused.text("/errors/0/detail").contains("limits.batch_items"));
        }
        shop.post("/import", &lines(2)).await.expect_status(200);

        let anyone = Caller::new(&process.url);
        let refused = anyone.get(&format!("/health/live?{}", "x".repeat(700))).await;
        refused.expect_problem(414, "url-too-long");
        assert!(refused.text("/detail").contains("600 bytes (limits.url_bytes)"));
        let send = async |count: usize, value: String| {
            let mut request = anyone.request(reqwest::Method::GET, "/health/live");
            for n in 0..count {
                request = request.header(format!("x-{n}"), &value);
            }
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.text().await.unwrap())
        };
        let (status, told) = send(21, "v".to_owned()).await;
        assert!(status == 431 && told.contains("20 headers (limits.headers)"), "{told}");
        let (status, told) = send(2, "v".repeat(5_000)).await;
        assert!(status == 431 && told.contains("9000 bytes (limits.header_bytes)"), "{told}");
        assert_eq!(send(2, "v".to_owned()).await.0, 200);
        process.stop().await;
    }
}

both_engines! {
    async fn the_rate_of_calls_is_the_one_that_is_set(engine: Engine) {
        let own = Installation::new(engine).await;
        let client = own.shop().await;
        file(&own, "[rate_limit]\nrequests_per_second = 1\nburst = 2\n");
        let process = own.start("serve").await;
        let shop = Caller::new(&process.url).for_app("shop").sign_in(&client.0, &client.1).await;
        let mut calls = Vec::new();
        while calls.len() < 100 && calls.last().is_none_or(|call: &Reply| call.status != 429) {
            calls.push(shop.get("/notices").await);
        }
        let refused = calls.last().unwrap();
        refused.expect_problem(429, "rate-limited");
        assert_eq!(refused.header("ratelimit-policy"), Some("\"caller\";q=2;w=2"));
        assert!(refused.header("retry-after").is_some());
        process.stop().await;

        file(&own, "[rate_limit]\nenabled = false\nburst = 2\n");
        let process = own.start("serve").await;
        let free = shop.at(&process.url);
        for _ in 0..5 {
            assert_eq!(free.get("/notices").await.expect_status(200).header("ratelimit"), None);
        }
        process.stop().await;
    }
}

/// What a service answers to these bytes before it closes the connection.
async fn answer_to(url: &str, sent: &str) -> String {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn what_never_becomes_a_request_is_answered_as_documented() {
    let own = Installation::new(Engine::Sqlite).await;
    file(&own, "[limits]\nhead_seconds = 1\n");
    let process = own.start("serve").await;
    let first = "GET /health/live HTTP/1.1\r\nhost: h\r\n";
    let headers = (0..97).map(|n| format!("x-{n}: v\r\n")).collect::<Vec<_>>().concat();
    for (sent, status) in [
        (first.to_owned(), "408"),
        ("nonsense\r\n\r\n".to_owned(), "400"),
        (format!("{first}{headers}\r\n"), "431"),
    ] {
        let answer = answer_to(&process.url, &sent).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "it has no body: {answer}");
    }
    process.stop().await;
}

fn items(count: usize) -> Vec<serde_json::Value> {
    let subject = format!("sub_{}", "0".repeat(32));
    (0..count)
        .map(|n| {
            json!({ "subject": subject, "category": "invoice", "record": format!("i-{n}"), "body": {} })
        })
        .collect()
}
