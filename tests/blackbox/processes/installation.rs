//! An installation of its own for each test, and the processes on it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oubli_store::{Location, Schema};
use oubli_test_postgres::DatabasePair;
use oubli_tests::{Caller, Engine, data_map};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What takes longer hangs. Machines may be slow: it is far more than any needs.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Databases, root key and journal in a folder, and the settings that name them.
pub(crate) struct Installation {
    pub(crate) dir: TempDir,
    pub(crate) databases: Option<DatabasePair>,
    started: AtomicUsize,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// A running service. It dies with the value.
pub(crate) struct Process {
    pub(crate) url: String,
    child: Child,
    log: PathBuf,
}

impl Installation {
    /// One on which no command was run yet.
    pub(crate) async fn untouched(engine: Engine) -> Self {
        let databases = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => {
                Some(oubli_test_postgres::fresh_databases("process").await.unwrap())
            }
        };
        Self::over(databases)
    }

    /// One over these databases, or over embedded ones.
    pub(crate) fn over(databases: Option<DatabasePair>) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), databases, started: AtomicUsize::new(0) }
    }

    /// One on databases of the test's own.
    pub(crate) async fn on(databases: DatabasePair) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = Self { dir, databases: Some(databases), started: AtomicUsize::new(0) };
        made.run(&["migrate"]).await.succeeds();
        made
    }

    /// One whose databases have their schema.
    pub(crate) async fn new(engine: Engine) -> Self {
        let made = Self::untouched(engine).await;
        if made.databases.is_some() {
            made.run(&["migrate"]).await.succeeds();
        }
        made
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Where one of the databases is.
    pub(crate) fn location(&self, schema: Schema) -> Location {
        match (&self.databases, schema) {
            (Some(pair), Schema::Data) => Location::Postgres(pair.data_url().to_owned()),
            (Some(pair), Schema::Keys) => Location::Postgres(pair.keys_url().to_owned()),
            (None, _) => Location::Sqlite(self.path(&format!("data/{}.sqlite", schema.as_str()))),
        }
    }

    pub(crate) fn root_key(&self) -> PathBuf {
        self.path("keys/root.key")
    }

    /// A command on this installation; nothing of the environment of the tests counts.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.process(env!("CARGO_BIN_EXE_oubli-under-test"), arguments)
    }

    /// Any program with the environment of [`Installation::command`].
    pub(crate) fn process(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OUBLI_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).current_dir(self.dir.path()).kill_on_drop(true);
        command
            .env("OUBLI_DATA_DIR", self.path("data"))
            .env("OUBLI_ROOT_KEY_FILE", self.root_key())
            .env("OUBLI_JOURNAL_DIR", self.path("journal"))
            .env("OUBLI_CONNECTIONS", "6")
            .env("OUBLI_KEY_CACHE_SECONDS", "0")
            .env("OUBLI_CERTIFICATE_WAIT_SECONDS", "0");
        if let Some(databases) = &self.databases {
            command
                .env("OUBLI_DATA_URL", databases.data_url())
                .env("OUBLI_KEYS_URL", databases.keys_url());
        }
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(arguments).stdin(Stdio::null())).await
    }

    /// Runs a command that reads `input`.
    pub(crate) async fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        Ended::of(&timeout(PATIENCE, child.wait_with_output()).await.unwrap().unwrap())
    }

    /// Starts a service and waits until it listens.
    pub(crate) async fn start(&self, role: &str) -> Process {
        self.start_with(role, &[]).await
    }

    /// Starts a service that logs by this filter.
    pub(crate) async fn start_logging(&self, role: &str, filter: &str) -> Process {
        self.start_with(role, &[("OUBLI_LOG", filter)]).await
    }

    /// Starts a service with these settings in its environment.
    pub(crate) async fn start_with(&self, role: &str, settings: &[(&str, &str)]) -> Process {
        let log = self.path(&format!("log-{}", self.started.fetch_add(1, Ordering::SeqCst)));
        let mut command = self.command(&[role, "--bind", "127.0.0.1:0", "--log-format", "json"]);
        // The issuer must outlive a restart on another port.
        command.env("OUBLI_URL", "http://oubli.test").envs(settings.iter().copied());
        let out = File::create(log.with_extension("out")).unwrap();
        command.stdin(Stdio::null()).stdout(out);
        let child = command.stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut process = Process { url: String::new(), child, log };
        if role != "worker" {
            process.url = process.listening().await;
        }
        process
    }

    /// Makes an app with a client by the command line, while no service runs, and gives the
    /// client's id and secret.
    pub(crate) async fn shop(&self) -> (String, String) {
        self.run(&["app", "create", "shop"]).await.succeeds();
        let made = self.run(&["client", "create", "--app", "shop", "--title", "backend"]).await;
        let made = made.succeeds();
        let value = |name: &str| {
            let line = made.stdout.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().to_owned()
        };
        (value("client_id:"), value("client_secret:"))
    }

    /// The SHA-256 of every file among the embedded databases. The lock, an empty log of SQLite
    /// and its index hold nothing: they come and go with whoever looks.
    pub(crate) fn database_files(&self) -> BTreeMap<PathBuf, String> {
        let Ok(folder) = fs::read_dir(self.path("data")) else { return BTreeMap::new() };
        let files = folder.map(|file| file.unwrap().path());
        let files = files.filter(|file| {
            let passing = ["-shm", ".lock"].iter().any(|end| file.to_string_lossy().ends_with(end));
            !passing && fs::metadata(file).unwrap().len() > 0
        });
        let hash = |file: &Path| format!("{:x?}", Sha256::digest(fs::read(file).unwrap()));
        files.map(|file| (file.clone(), hash(&file))).collect()
    }
}

async fn ended(command: &mut Command) -> Ended {
    Ended::of(&timeout(PATIENCE, command.output()).await.unwrap().unwrap())
}

/// Signs in and declares the harness's data map and notice.
pub(crate) async fn open_shop(process: &Process, client: &(String, String)) -> Caller {
    let shop = Caller::new(&process.url).for_app("shop").sign_in(&client.0, &client.1).await;
    let texts = json!({ "texts": { "en": "We write to you once a month." } });
    shop.put("/notices/newsletter", &texts).await;
    shop.put("/data-map", &data_map()).await;
    assert_eq!(shop.get("/data-map").await.expect_status(200).body["version"], 1);
    shop
}

/// A customer with a few records and a consent.
pub(crate) async fn customer(shop: &Caller, email: &str) -> String {
    let subject = shop.subject(email).await;
    let records: Vec<Value> = (0..20)
        .map(|n| {
            json!({
                "subject": subject, "category": "invoice", "record": format!("i-{n}"),
                "body": { "date": "2025-03-01", "total": n, "address": "Rue" },
            })
        })
        .collect();
    shop.post("/records:batch", &json!({ "items": records })).await.expect_status(200);
    shop.grant(&subject).await.expect_status(201);
    subject
}

impl Ended {
    fn of(output: &std::process::Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }

    /// Fails the test unless the command succeeded.
    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// Fails the test unless the command failed and said each of these.
    #[track_caller]
    pub(crate) fn fails_saying(self, words: &[&str]) -> Self {
        assert_eq!(self.code, Some(1), "{self:?}");
        for words in words {
            assert!(self.stderr.contains(words), "`{words}` is not in {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }
}

impl Process {
    /// Waits until the log says where it listens.
    async fn listening(&mut self) -> String {
        format!("http://{}", self.logged("listening").await["address"].as_str().unwrap())
    }

    /// Waits until the log has a line whose message begins so.
    pub(crate) async fn logged(&mut self, message: &str) -> Value {
        let found = async {
            loop {
                if let Some(line) = self.line(message) {
                    return line;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let found = timeout(PATIENCE, found).await;
        found.unwrap_or_else(|_| panic!("the log never said `{message}`"))
    }

    /// The first line of the log that begins so.
    fn line(&mut self, message: &str) -> Option<Value> {
        let log = fs::read_to_string(&self.log).unwrap();
        let mut lines = log.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        let begins =
            |line: &Value| line["message"].as_str().is_some_and(|text| text.starts_with(message));
        let found = lines.find(begins);
        if found.is_none() {
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {log}");
        }
        found
    }

    /// The most memory that it has had in use so far, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(self.own_folder("status")).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
    }

    /// How many files, sockets included, it has open.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(self.own_folder("fd")).unwrap().count()
    }

    fn own_folder(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id().unwrap()))
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.id().to_string();
        let sent = std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end and gives the status and the log.
    pub(crate) async fn end(mut self) -> (Option<i32>, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        (status.code(), fs::read_to_string(&self.log).unwrap())
    }

    /// Ends it as an operator does.
    pub(crate) async fn stop(self) {
        self.terminate();
        let (code, log) = self.end().await;
        assert_eq!(code, Some(0), "{log}");
    }
}

/// Copies a file over another with the mode of a key.
pub(crate) fn write_key(path: &Path, bytes: &[u8], mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
