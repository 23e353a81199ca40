//! The servers that are measured: the service, as users run it, and the baseline.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::engine::Site;
use crate::process::Process;

/// The app that all is measured in.
pub(crate) const APP: &str = "bench";
/// Connections to each database, the service's default.
const CONNECTIONS: &str = "16";
/// How long a start may take.
const START_LIMIT: Duration = Duration::from_mins(1);

/// The binary `oubli` over the databases of one site.
#[derive(Debug)]
pub(crate) struct Oubli<'s> {
    binary: PathBuf,
    site: &'s Site,
}

/// A running service.
#[derive(Debug)]
pub(crate) struct Service {
    /// Its process.
    pub(crate) process: Process,
    /// Host and port.
    pub(crate) address: String,
    /// From its start until it said that it is ready.
    pub(crate) ready_after: Duration,
    http: Client,
}

/// The credentials of a client.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl<'s> Oubli<'s> {
    pub(crate) fn new(binary: &Path, site: &'s Site) -> Self {
        Self { binary: binary.to_path_buf(), site }
    }

    /// A command of the binary: defaults but for where things are, and no rate limit, which would
    /// refuse what is measured.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("OUBLI_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.site.folder())
            .env("OUBLI_DATA_DIR", self.site.file("store"))
            .env("OUBLI_ROOT_KEY_FILE", self.site.file("root/root.key"))
            .env("OUBLI_JOURNAL_DIR", self.site.file("journal"))
            .env("OUBLI_RATE_LIMIT_ENABLED", "false");
        if let Some((data, keys)) = self.site.urls() {
            command.env("OUBLI_DATA_URL", data).env("OUBLI_KEYS_URL", keys);
        }
        command
    }

    /// Runs a command to its end and gives what it printed.
    ///
    /// # Errors
    /// When its status is not 0.
    pub(crate) fn call(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).stdin(Stdio::null()).output()?;
        let printed = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.success(),
            "oubli {} ended with {}: {printed}{}",
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr),
        );
        Ok(printed)
    }

    /// Starts `oubli all` with further arguments and waits until it is ready.
    pub(crate) async fn start(&self, further: &[&str]) -> anyhow::Result<Service> {
        let address = free_address()?;
        let mut arguments = vec!["all", "--bind", &address];
        arguments.extend(further);
        let begun = Instant::now();
        let process = self.site.process(&mut self.command(&arguments), "oubli.log")?;
        // The runtime stands still while commands and load run, and would not see that the service
        // closed an idle connection.
        let http = Client::builder().pool_max_idle_per_host(0).build()?;
        let mut service = Service { process, address, ready_after: Duration::ZERO, http };
        service.await_ready(begun).await?;
        service.ready_after = begun.elapsed();
        Ok(service)
    }

    /// Makes the app, its notice and data map, and a client with every scope; the service must not
    /// run.
    pub(crate) async fn prepare(&self) -> anyhow::Result<Credentials> {
        if self.site.urls().is_some() {
            self.call(&["migrate"])?;
        }
        let service = self.start(&[]).await?;
        self.call(&["app", "create", APP, "--title", "Bench"])?;
        let made = self.call(&["client", "create", "--app", APP, "--title", "bench"])?;
        let value = |name: &str| -> anyhow::Result<String> {
            let line = made.lines().find_map(|line| line.strip_prefix(name));
            Ok(line.with_context(|| format!("no {name} was printed"))?.trim().to_owned())
        };
        let client = Credentials { id: value("client_id:")?, secret: value("client_secret:")? };
        let token = service.token(&client).await?;
        let notice = json!({ "texts": { "en": "We write to you once a month." } });
        service.call(&token, Method::PUT, "/notices/newsletter", Some(&notice)).await?;
        let map = serde_json::from_str(include_str!("../load/data-map.json"))?;
        service.call(&token, Method::PUT, "/data-map", Some(&map)).await?;
        service.stop()?;
        Ok(client)
    }
}

impl Service {
    async fn await_ready(&mut self, begun: Instant) -> anyhow::Result<()> {
        let url = format!("http://{}/health/ready", self.address);
        loop {
            let answer = self.http.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return Ok(());
            }
            if !self.process.runs() || begun.elapsed() > START_LIMIT {
                bail!("oubli was not ready: {}", self.process.last_words());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// A fresh access token.
    pub(crate) async fn token(&self, client: &Credentials) -> anyhow::Result<String> {
        let request = self.http.post(format!("http://{}/oauth2/token", self.address));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(client.form()).send().await?.error_for_status()?;
        let answer: Value = answer.json().await?;
        Ok(answer["access_token"].as_str().context("no access token")?.to_owned())
    }

    /// Calls the API of the app.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub(crate) async fn call(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<Value> {
        let url = format!("http://{}/v1/apps/{APP}{path}", self.address);
        let request = self.http.request(method, url).bearer_auth(token);
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        let answer = request.send().await?;
        let status = answer.status();
        let bytes = answer.bytes().await?;
        if !status.is_success() {
            bail!("{path} was answered {status}: {}", String::from_utf8_lossy(&bytes));
        }
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// Downloads an export and throws it away; gives its bytes.
    ///
    /// # Errors
    /// When it is refused or ends early.
    pub(crate) async fn download(&self, export: &str, token: &str) -> anyhow::Result<u64> {
        let url = format!("http://{}/v1/apps/{APP}/exports/{export}", self.address);
        let request = self.http.get(url).header("oubli-download-token", token);
        let mut answer = request.send().await?.error_for_status()?;
        let mut bytes = 0;
        while let Some(chunk) = answer.chunk().await? {
            bytes += chunk.len() as u64;
        }
        Ok(bytes)
    }

    /// Stops it as an operator does.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.process.stop()
    }
}

impl Credentials {
    /// As the form that is sent for a token.
    pub(crate) fn form(&self) -> String {
        let Self { id, secret } = self;
        format!("grant_type=client_credentials&client_id={id}&client_secret={secret}")
    }
}

/// Starts the baseline over a site's databases; gives its process and its host and port.
pub(crate) fn start_baseline(site: &Site) -> anyhow::Result<(Process, String)> {
    let [data, keys, own] = site.for_baseline();
    let mut command = Command::new(std::env::current_exe()?);
    command
        .args(["baseline", "--data", &data, "--keys", &keys, "--own", &own])
        .args(["--connections", CONNECTIONS])
        .stdout(Stdio::piped());
    let mut process = site.process(&mut command, "baseline.log")?;
    let output = process.output().context("no standard output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line)?;
    let Ok(port) = line.trim().parse::<u16>() else {
        bail!("the baseline did not start: {}", process.last_words());
    };
    Ok((process, format!("127.0.0.1:{port}")))
}

fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr()?.to_string())
}
