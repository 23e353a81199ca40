//! `oubli doctor` on worlds that are whole and on worlds that are broken.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use oubli_domain::Time;
use oubli_store::keys::work;
use oubli_store::{Db, Location, Schema, testing};
use oubli_tests::{Engine, both_engines};
use serde_json::Value;
use uuid::Uuid;

use super::installation::{Installation, customer, open_shop, write_key};

/// What the doctor said.
struct Told {
    code: Option<i32>,
    document: Value,
}

impl Told {
    /// The check of this name has this status; gives what was found and how to mend it.
    #[track_caller]
    fn check(&self, name: &str, status: &str) -> String {
        let checks = self.document["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| {
            panic!("there is no check {name} in {:#}", self.document);
        });
        assert_eq!(check["status"], status, "{check:#}");
        let mend = check["mend"].as_str();
        assert_eq!(mend.is_some(), ["warning", "failure"].contains(&status), "{check:#}");
        format!("{}: {}", check["found"].as_str().unwrap(), mend.unwrap_or_default())
    }

    #[track_caller]
    fn fails(&self, name: &str, words: &[&str]) {
        let told = self.check(name, "failure");
        for words in words {
            assert!(told.contains(words), "`{words}` is not in {told}");
        }
        assert_eq!(self.code, Some(1));
        assert_eq!(self.document["ok"], false);
    }

    /// No check failed. A server that is there for tests alone may run without fsync, which is told.
    #[track_caller]
    fn is_well(&self) {
        let checks = self.document["checks"].as_array().unwrap();
        let (fast, failed): (Vec<&Value>, Vec<&Value>) =
            checks.iter().filter(|check| check["status"] == "failure").partition(|check| {
                check["found"].as_str().unwrap().starts_with("fsync is off and must be on")
            });
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(fast.iter().all(|c| c["mend"].as_str().unwrap().contains("postgresql.conf")));
        assert_eq!(self.code, Some(i32::from(!fast.is_empty())), "{:#}", self.document);
        assert_eq!(self.document["ok"], fast.is_empty());
    }
}

/// Asks, on a port that nobody has.
async fn ask(own: &Installation, bind: &str) -> Told {
    ask_with(own, bind, &[]).await
}

async fn ask_with(own: &Installation, bind: &str, env: &[(&str, &str)]) -> Told {
    let mut command = own.command(&["doctor", "--json", "--bind", bind]);
    let ended = command.envs(env.iter().copied()).output().await.unwrap();
    let document = serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&ended.stderr)));
    Told { code: ended.status.code(), document }
}

fn location(own: &Installation, schema: Schema) -> Location {
    let name = schema.as_str();
    match (&own.databases, schema) {
        (None, _) => Location::Sqlite(own.path(&format!("data/{name}.sqlite"))),
        (Some(pair), Schema::Data) => Location::Postgres(pair.data_url().to_owned()),
        (Some(pair), Schema::Keys) => Location::Postgres(pair.keys_url().to_owned()),
    }
}

const FREE: &str = "127.0.0.1:0";

both_engines! {
    async fn a_whole_world_is_well_before_the_first_start_and_while_it_runs(engine: Engine) {
        let own = Installation::new(engine).await;
        let new = ask(&own, FREE).await;
        new.is_well();
        assert!(!own.path("data").exists() && !own.root_key().exists(), "it makes nothing");
        let client = own.shop().await;
        let process = own.start("all").await;
        let shop = open_shop(&process, &client).await;
        customer(&shop, "ada@example.org").await;
        let told = ask(&own, process.url.trim_start_matches("http://")).await;
        told.is_well();
        assert!(told.check("address", "ok").contains("a service of Oubli answers"));
        let looked = told.check("keys not older than data", "ok");
        assert!(looked.contains("newest 1 subjects"), "{looked}");
        assert!(told.check("root key", "ok").contains("opens the keys database"));
        match engine {
            Engine::Sqlite => {
                assert!(told.check("process", "ok").contains("a service runs"));
                assert!(told.check("data durability", "ok").contains("secure_delete 1"));
                told.check("databases apart", "ok");
            }
            Engine::Postgres => {
                told.check("clock of the data database", "ok");
                // Both test databases lie in one server.
                assert!(told.check("databases apart", "warning").contains("cluster of its own"));
            }
        }
        // What was written last lies in SQLite's log, and stays there.
        process.kill().await;
        let before = own.database_files();
        ask(&own, FREE).await.is_well();
        assert_eq!(own.database_files(), before, "it writes nothing");
        let text = own.run(&["doctor", "--bind", FREE]).await.stdout;
        assert!(text.contains("ok   keys not older than data: the newest 1 subjects"), "{text}");
    }

    async fn a_root_key_that_is_open_wrong_or_gone_is_told(engine: Engine) {
        let (own, other) = (Installation::new(engine).await, Installation::new(engine).await);
        own.shop().await;
        other.shop().await;
        let key = fs::read(own.root_key()).unwrap();
        write_key(&own.root_key(), &key, 0o644);
        ask(&own, FREE).await.fails("root key", &["only its owner", "chmod 600"]);
        write_key(&own.root_key(), &fs::read(other.root_key()).unwrap(), 0o600);
        let told = ask(&own, FREE).await;
        told.fails("root key", &["does not open", "name the root key that these databases belong to"]);
        fs::remove_file(own.root_key()).unwrap();
        ask(&own, FREE).await.fails("root key", &["does not exist", "from its own backup"]);
        assert!(!own.root_key().exists(), "no new key was made");
        write_key(&own.root_key(), &key, 0o600);
        ask(&own, FREE).await.is_well();
    }

    async fn work_on_keys_that_was_interrupted_is_told(engine: Engine) {
        let own = Installation::new(engine).await;
        own.shop().await;
        ask(&own, FREE).await.check("work on keys", "ok");
        let keys = Db::open(Schema::Keys, &location(&own, Schema::Keys), 2).await.unwrap();
        let taken = keys.write("test", |tx| {
            Box::pin(work::take(tx, "rotate", Uuid::nil(), Time(1), Time(2), Time(3)))
        });
        assert!(taken.await.unwrap());
        keys.close().await;
        let told = ask(&own, FREE).await.check("work on keys", "warning");
        assert!(told.contains("was interrupted") && told.contains("oubli keys rotate"), "{told}");
    }

    async fn a_newer_schema_is_told(engine: Engine) {
        let own = Installation::new(engine).await;
        own.shop().await;
        testing::add_unknown_migration(&location(&own, Schema::Data)).await.unwrap();
        ask(&own, FREE).await.fails("data database", &["9999", "newer binary"]);
    }

    async fn a_wrong_configuration_is_told(engine: Engine) {
        let own = Installation::untouched(engine).await;
        let told = ask_with(&own, FREE, &[("OUBLI_KEY_CACHE_SECONDS", "61")]).await;
        told.fails("configuration", &["from 0 to 60", "oubli config check"]);
        told.check("everything else", "skipped");
        let told = ask(&own, "0.0.0.0:0").await;
        told.fails("configuration", &["TLS"]);
        let told = ask_with(&own, FREE, &[("OUBLI_DATADIR", "x")]).await;
        assert!(told.check("environment", "warning").contains("OUBLI_DATA_DIR"));
    }
}

#[tokio::test]
async fn keys_restored_from_an_older_copy_are_told() {
    let own = Installation::new(Engine::Sqlite).await;
    let client = own.shop().await;
    let process = own.start("all").await;
    open_shop(&process, &client).await;
    process.stop().await;
    let older = fs::read(own.path("data/keys.sqlite")).unwrap();
    let process = own.start("all").await;
    let shop = open_shop(&process, &client).await;
    customer(&shop, "ada@example.org").await;
    process.stop().await;
    ask(&own, FREE).await.is_well();
    fs::write(own.path("data/keys.sqlite"), older).unwrap();
    let told = ask(&own, FREE).await;
    told.fails(
        "keys not older than data",
        &["1 of the newest 1 subjects", "recover keys to a later point than data"],
    );
}

#[tokio::test]
async fn a_database_that_is_missing_alone_is_told() {
    let own = Installation::new(Engine::Sqlite).await;
    own.shop().await;
    let keys = own.path("data/keys.sqlite");
    let away = own.path("keys.away");
    fs::rename(&keys, &away).unwrap();
    let told = ask(&own, FREE).await;
    told.fails("keys database", &["its file is missing", "back from its backup"]);
    assert!(!keys.exists(), "no new one was made");
    fs::rename(&away, &keys).unwrap();
    fs::write(own.path("data/data.sqlite"), "no database").unwrap();
    ask(&own, FREE)
        .await
        .fails("data database", &["cannot be reached", "see that the file is whole"]);
}

#[tokio::test]
async fn folders_that_others_can_read_and_a_taken_port_are_told() {
    let own = Installation::new(Engine::Sqlite).await;
    own.shop().await;
    fs::set_permissions(own.path("data"), Permissions::from_mode(0o755)).unwrap();
    ask(&own, FREE).await.fails("data folder", &["mode 0755", "chmod 700"]);
    fs::set_permissions(own.path("data"), Permissions::from_mode(0o700)).unwrap();
    let other = std::net::TcpListener::bind(FREE).unwrap();
    let address = other.local_addr().unwrap().to_string();
    let told = ask(&own, &address).await;
    told.fails("address", &["another program listens", "--bind"]);
}

#[tokio::test]
async fn a_postgres_that_is_stopped_or_old_is_told() {
    let own = Installation::untouched(Engine::Postgres).await;
    let told = ask(&own, FREE).await;
    told.fails("data database", &["its schema is old", "run `oubli migrate`"]);
    told.fails("keys database", &["its schema is old", "run `oubli migrate`"]);
    // A port that was free a moment ago stands for a server that is stopped.
    let free = std::net::TcpListener::bind(FREE).unwrap().local_addr().unwrap();
    let url = format!("postgres://oubli:hunter2@{free}/data");
    let told = ask_with(&own, FREE, &[("OUBLI_DATA_URL", &url)]).await;
    told.fails("data database", &["cannot be reached", "start the server"]);
    assert!(!told.document.to_string().contains("hunter2"));
}
