//! What the service refuses to start on. It says why, and nothing is touched.

use std::fs;

use oubli_tests::{Engine, both_engines};

use super::installation::{Installation, customer, open_shop, write_key};

const ALL: [&str; 3] = ["all", "--bind", "127.0.0.1:0"];

both_engines! {
    async fn a_missing_or_wrong_root_key_is_refused(engine: Engine) {
        let (own, other) = (Installation::new(engine).await, Installation::new(engine).await);
        let client = own.shop().await;
        other.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        let ada = customer(&shop, "ada@example.org").await;
        process.stop().await;
        let (key, wrong) = (fs::read(own.root_key()).unwrap(), fs::read(other.root_key()).unwrap());
        let before = own.database_files();

        fs::remove_file(own.root_key()).unwrap();
        for arguments in [&ALL[..], &["user", "list"], &["app", "list"]] {
            own.run(arguments).await.fails_saying(&["root key", "does not exist"]);
        }
        assert!(!own.root_key().exists(), "no new key was made");
        write_key(&own.root_key(), &wrong, 0o600);
        own.run(&ALL).await.fails_saying(&["the root key does not open the keys database"]);
        write_key(&own.root_key(), b"no key at all", 0o600);
        own.run(&ALL).await.fails_saying(&["root key", "malformed"]);
        for mode in [0o644, 0o640, 0o604] {
            write_key(&own.root_key(), &key, mode);
            own.run(&ALL).await.fails_saying(&["root key", "only its owner may read it"]);
        }
        assert_eq!(own.database_files(), before);

        write_key(&own.root_key(), &key, 0o600);
        let process = own.start("all").await;
        let read = format!("/subjects/{ada}/records/invoice/i-1?purpose=accounts");
        let read = shop.at(&process.url).get(&read).await.expect_status(200);
        assert_eq!(read.body["body"]["address"], "Rue");
        process.stop().await;
    }

    async fn addresses_of_the_network_need_a_proxy(engine: Engine) {
        let own = Installation::new(engine).await;
        for address in ["0.0.0.0:0", "[::]:0"] {
            let ended = own.run(&["all", "--bind", address]).await;
            ended.fails_saying(&["--behind-proxy", "TLS"]);
        }
        assert!(!own.root_key().exists(), "nothing was made");
        let proxied = ["all", "--bind", "0.0.0.0:0", "--behind-proxy"];
        let unnamed = own.run(&proxied).await;
        assert!(unnamed.code.is_some_and(|code| code != 0) && unnamed.stderr.contains("--url"));
        for bad in ["oubli.example", "https://oubli.example/", "https://oubli.example?a=b"] {
            own.run(&[&proxied[..], &["--url", bad]].concat()).await.fails_saying(&["--url"]);
        }
        let mut command =
            own.command(&[&proxied[..], &["--url", "https://oubli.example"]].concat());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut log = tokio::io::BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains("listening") {
            let read = tokio::io::AsyncBufReadExt::read_line(&mut log, &mut text).await.unwrap();
            assert_ne!(read, 0, "it ended: {text}");
        }
        child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn a_root_key_among_the_databases_is_refused() {
    let own = Installation::new(Engine::Sqlite).await;
    let inside = own.path("data/keys/root.key");
    let mut command = own.command(&ALL);
    let ended = command.env("OUBLI_ROOT_KEY_FILE", &inside).output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && told.contains("lies in the data folder"), "{told}");
    assert!(!inside.exists());
}

#[tokio::test]
async fn a_second_process_on_a_folder_is_refused() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let first = own.start("all").await;
    for role in ["all", "serve", "worker"] {
        let ended = own.run(&[role, "--bind", "127.0.0.1:0"]).await;
        ended.fails_saying(&["another oubli runs on", "PostgreSQL"]);
    }
    // The first one did not notice.
    open_shop(&first, &client).await;
    first.stop().await;
    own.start("all").await.stop().await;
}

#[tokio::test]
async fn both_urls_are_needed_and_must_differ() {
    let own = Installation::untouched(Engine::Postgres).await;
    let url = own.databases.as_ref().unwrap().data_url().to_owned();
    for missing in ["OUBLI_DATA_URL", "OUBLI_KEYS_URL"] {
        for arguments in [&ALL[..], &["migrate"], &["app", "list"]] {
            let ended = own.command(arguments).env_remove(missing).output().await.unwrap();
            let told = String::from_utf8(ended.stderr).unwrap();
            assert!(!ended.status.success() && told.contains("go together"), "{told}");
            assert!(!told.contains(&url), "a URL holds a password");
        }
    }
    let ended = own.command(&ALL).env("OUBLI_KEYS_URL", &url).output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(!ended.status.success() && told.contains("one database"), "{told}");
    assert!(!own.path("data").exists(), "no embedded database was made instead");
}
