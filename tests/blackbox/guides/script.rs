//! From the guides' pages to one shell session.

use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout};
use tokio::time::timeout;

use crate::processes::installation::Installation;
use crate::sample_customers;

/// In the order of the week.
const GUIDES: [&str; 3] = ["backend", "dpo", "operator"];
/// What the pages say where the service listens.
const ADDRESS: &str = "127.0.0.1:8080";
/// Begins the line that says which chapter follows.
const CHAPTER: &str = "=== ";
/// A chapter that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(5);

/// The tree that this test was built from.
fn tree() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Lays out what a reader has: the guides' files, and `oubli` on the path.
pub(super) fn prepare(installation: &Installation) {
    let shop = installation.path("docs/guides/shop");
    fs::create_dir_all(&shop).unwrap();
    for file in fs::read_dir(tree().join("docs/guides/shop")).unwrap() {
        let file = file.unwrap().path();
        fs::copy(&file, shop.join(file.file_name().unwrap())).unwrap();
    }
    if let Some(lines) = sample_customers::import_lines() {
        let mut all = fs::read_to_string(shop.join("customers.ndjson")).unwrap();
        all.push_str(&lines);
        fs::write(shop.join("customers.ndjson"), all).unwrap();
    }
    let bin = installation.path("bin");
    fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_oubli-under-test"), bin.join("oubli")).unwrap();
}

/// The shell lines of every guide: each chapter says its name before it begins.
fn script() -> String {
    let mut script =
        String::from("set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n");
    for guide in GUIDES {
        let name = format!("docs/guides/{guide}.md");
        let page = fs::read_to_string(tree().join(&name)).unwrap();
        let (mut chapter, mut inside) = ("", false);
        for line in page.lines() {
            match line {
                "```sh" => {
                    inside = true;
                    writeln!(script, "echo; echo '{CHAPTER}{name}: {chapter}'").unwrap();
                }
                "```" => inside = false,
                _ if inside => writeln!(script, "{line}").unwrap(),
                _ => chapter = line.strip_prefix("## ").unwrap_or(chapter),
            }
        }
    }
    script
}

/// The session.
pub(super) struct Week {
    address: String,
    shell: Child,
    output: Lines<BufReader<ChildStdout>>,
    told: Vec<String>,
    chapter: String,
    errors: PathBuf,
}

impl Week {
    /// Starts the shell.
    pub(super) fn begin(installation: &Installation) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        fs::write(installation.path("week.sh"), script().replace(ADDRESS, &address)).unwrap();
        let path = std::env::var("PATH").unwrap();
        let errors = installation.path("week.err");
        let mut shell = installation
            .process("bash", &["week.sh"])
            .env("PATH", format!("{}:{path}", installation.path("bin").display()))
            .env("OUBLI_BIND", &address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        let output = BufReader::new(shell.stdout.take().unwrap()).lines();
        Self { address, shell, output, told: Vec::new(), chapter: String::new(), errors }
    }

    /// Where the service listens once it was started.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Waits until a chapter begins.
    pub(super) async fn reaches(&mut self, chapter: &str) {
        while self.chapter != chapter {
            assert!(self.next().await, "the week ended before {chapter}: {}", self.trouble());
        }
    }

    /// Waits for the end of the last guide.
    pub(super) async fn ends_well(mut self) {
        while self.next().await {}
        let status = timeout(PATIENCE, self.shell.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{}", self.trouble());
    }

    async fn next(&mut self) -> bool {
        let line = timeout(PATIENCE, self.output.next_line()).await;
        let Some(line) = line.unwrap().unwrap() else { return false };
        if let Some(chapter) = line.strip_prefix(CHAPTER) {
            chapter.clone_into(&mut self.chapter);
        }
        self.told.push(line);
        true
    }

    fn trouble(&self) -> String {
        let last = self.told.len().saturating_sub(20);
        let errors = fs::read_to_string(&self.errors).unwrap();
        format!("in {}, after\n{}\n{errors}", self.chapter, self.told[last..].join("\n"))
    }
}
