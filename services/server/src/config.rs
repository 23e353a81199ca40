//! Where everything is and how the service listens. With no setting at all it runs on SQLite on this
//! machine.
//!
//! The structs of this file are the one place that says what a setting is called, what it means, what
//! its default and its bounds are. The file, its documentation and every check are made from them
//! ([`settings`]): a field with a flag and an environment variable is a key of the file too.

pub mod file;
pub mod http;
pub mod load;
pub mod print;
mod secret;
pub mod settings;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};
use oubli_store::Location;

/// A whole number within bounds, both included. The refusal names them, and the documentation of a
/// setting quotes the refusal.
pub(crate) fn within<T: FromStr>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|n| (least..=most).contains(n));
        number
            .and_then(|_| text.parse().ok())
            .ok_or_else(|| format!("must be a whole number from {least} to {most}"))
    }
}

/// Where the databases are.
#[derive(Args, Clone)]
#[command(next_help_heading = "storage")]
pub struct Storage {
    /// Folder of the embedded SQLite databases, made when it is not there.
    #[arg(long, env = "OUBLI_DATA_DIR", default_value = "oubli-data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// PostgreSQL URL of the `data` database. With --keys-url, instead of SQLite.
    #[arg(
        long,
        env = "OUBLI_DATA_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub data_url: Option<String>,
    /// A file that holds the `data` URL, readable by its owner alone, so that a password stands in
    /// no environment. Instead of --data-url.
    #[arg(long, env = "OUBLI_DATA_URL_FILE", value_name = "FILE")]
    pub data_url_file: Option<PathBuf>,
    /// PostgreSQL URL of the `keys` database: another one than `data`, best another cluster.
    #[arg(
        long,
        env = "OUBLI_KEYS_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub keys_url: Option<String>,
    /// A file that holds the `keys` URL, readable by its owner alone. Instead of --keys-url.
    #[arg(long, env = "OUBLI_KEYS_URL_FILE", value_name = "FILE")]
    pub keys_url_file: Option<PathBuf>,
    /// Connections to each database, at most.
    #[arg(
        long,
        env = "OUBLI_CONNECTIONS",
        default_value_t = 16,
        value_parser = within::<u32>(1, 1_000),
        value_name = "N"
    )]
    pub connections: u32,
}

/// Where the root key comes from: a file, a passphrase, or the environment.
#[derive(Args, Clone)]
#[command(next_help_heading = "root_key")]
pub struct RootKey {
    /// The root key's file, mode 0600. Made at the first start, when both databases are empty. Keep
    /// it, and keep it apart from the databases: without it they cannot be read. Where no file may
    /// be, the environment variable `OUBLI_ROOT_KEY` holds the key itself, 32 bytes in base64.
    #[arg(
        long,
        env = "OUBLI_ROOT_KEY_FILE",
        default_value = "oubli-keys/root.key",
        value_name = "FILE"
    )]
    pub root_key_file: PathBuf,
    /// Make the root key of a passphrase instead, which stands in this file (15 characters or
    /// more, mode 0600). Its salt is kept at --root-key-file.
    #[arg(
        id = "root_key_passphrase_file",
        long = "root-passphrase-file",
        env = "OUBLI_ROOT_PASSPHRASE_FILE",
        value_name = "FILE"
    )]
    pub root_passphrase_file: Option<PathBuf>,
    /// `OUBLI_ROOT_KEY`: never on a command line, where every process could read it.
    #[arg(skip)]
    pub from_environment: Option<String>,
}

/// How the service listens.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "listen")]
pub struct Listen {
    /// Address and port to listen on.
    #[arg(long, env = "OUBLI_BIND", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub bind: SocketAddr,
    /// A proxy in front ends TLS. Without it the service listens on this machine only. Needs --url.
    #[arg(
        long,
        env = "OUBLI_BEHIND_PROXY",
        default_value = "false",
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new(),
        value_name = "BOOL"
    )]
    pub behind_proxy: bool,
    /// The service's own URL as its callers write it, without a slash at the end: issuer and
    /// audience of access tokens, the same on every node. Made of --bind when not given.
    #[arg(
        long,
        env = "OUBLI_URL",
        value_name = "URL",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub url: Option<String>,
}

/// How the service works.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "work")]
pub struct Work {
    /// Folder of the journal, which a restore is to replay: outside the databases and their backups.
    #[arg(long, env = "OUBLI_JOURNAL_DIR", default_value = "oubli-journal", value_name = "DIR")]
    pub journal_dir: PathBuf,
    /// Seconds that the keys of people and of apps are kept in memory. At 0 they are read for each call.
    #[arg(
        long,
        env = "OUBLI_KEY_CACHE_SECONDS",
        default_value_t = 60,
        value_parser = within::<u64>(0, 60),
        value_name = "N"
    )]
    pub key_cache_seconds: u64,
    /// Seconds that a certificate of erasure, and the end of an app's deletion, wait on PostgreSQL after
    /// the keys were deleted. Must be at least the largest --key-cache-seconds of any node.
    #[arg(
        long,
        env = "OUBLI_CERTIFICATE_WAIT_SECONDS",
        default_value_t = 60,
        value_parser = within::<u64>(0, 3_600),
        value_name = "N"
    )]
    pub certificate_wait_seconds: u64,
}

/// What is logged, and how.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "log")]
pub struct Log {
    /// What is logged, such as `info` or `warn,oubli_app=debug`. Never personal data.
    #[arg(
        id = "log_filter",
        long = "log",
        env = "OUBLI_LOG",
        default_value = "info",
        global = true,
        value_name = "FILTER"
    )]
    pub filter: String,
    /// How it is logged: for people, or one JSON object a line.
    #[arg(
        id = "log_format",
        long = "log-format",
        env = "OUBLI_LOG_FORMAT",
        default_value = "text",
        global = true,
        value_name = "FORM"
    )]
    pub format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the service needs to open its databases.
#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where the databases are.
    #[command(flatten)]
    pub storage: Storage,
    /// Where the root key comes from.
    #[command(flatten)]
    pub root_key: RootKey,
    /// How the service works.
    #[command(flatten)]
    pub work: Work,
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URLs may hold passwords.
        f.debug_struct("Storage").field("data_dir", &self.data_dir).finish_non_exhaustive()
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey").field("file", &self.root_key_file).finish_non_exhaustive()
    }
}

impl Storage {
    /// Where `data` and `keys` are. A URL that stands in a file is read from it.
    ///
    /// # Errors
    /// When one URL is given without the other, both are the same, one is given twice, or its file
    /// cannot be read or can be read by others.
    pub fn locations(&self) -> anyhow::Result<(Location, Location)> {
        let data =
            secret::either("data-url", self.data_url.as_ref(), self.data_url_file.as_deref())?;
        let keys =
            secret::either("keys-url", self.keys_url.as_ref(), self.keys_url_file.as_deref())?;
        match (data, keys) {
            (None, None) => Ok((
                Location::Sqlite(self.data_dir.join("data.sqlite")),
                Location::Sqlite(self.data_dir.join("keys.sqlite")),
            )),
            (Some(data), Some(keys)) => {
                ensure!(
                    data != keys,
                    "--data-url and --keys-url name one database: keys must lie apart, or one backup holds both"
                );
                Ok((Location::Postgres(data), Location::Postgres(keys)))
            }
            _ => bail!(
                "--data-url and --keys-url go together: give both for PostgreSQL, or neither for SQLite"
            ),
        }
    }

    /// Whether the databases are the embedded ones.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.data_url.is_none()
            && self.keys_url.is_none()
            && self.data_url_file.is_none()
            && self.keys_url_file.is_none()
    }

    /// Makes the folder of the embedded databases, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be made or written, or is there and others can read it.
    pub fn make_data_dir(&self) -> anyhow::Result<()> {
        use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
        if !self.is_embedded() {
            return Ok(());
        }
        let folder = || format!("the data folder {}", self.data_dir.display());
        let created = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data_dir);
        created.with_context(|| format!("cannot make {}", folder()))?;
        let mode = std::fs::metadata(&self.data_dir).with_context(folder)?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("others can read {}: chmod 700 it", folder());
        }
        let writable = rustix::fs::access(&self.data_dir, rustix::fs::Access::WRITE_OK);
        writable.with_context(|| format!("cannot write {}", folder()))
    }
}

impl Config {
    /// What contradicts itself, each with what to do about it. Nothing is touched; files of secrets
    /// are read.
    #[must_use]
    pub fn faults(&self) -> Vec<anyhow::Error> {
        let apart = |what, path| crate::root_key::ensure_apart(what, path, &self.storage).err();
        let key_file = Some(&self.root_key.root_key_file).filter(|_| !self.root_key.is_given());
        [
            self.storage.locations().err(),
            self.root_key.check().err(),
            key_file.and_then(|file| apart("root key", file)),
            apart("journal", &self.work.journal_dir),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

impl RootKey {
    /// Whether the environment holds the root key itself.
    pub(crate) fn is_given(&self) -> bool {
        self.from_environment.as_ref().is_some_and(|text| !text.is_empty())
    }

    /// Refuses two root keys.
    ///
    /// # Errors
    /// When the environment holds a root key and a passphrase is given too, or the passphrase's file
    /// can be read by others.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            !self.is_given() || self.root_passphrase_file.is_none(),
            "OUBLI_ROOT_KEY and --root-passphrase-file each give a root key: choose one"
        );
        self.passphrase().map(drop)
    }

    /// The passphrase, where one is to make the root key.
    ///
    /// # Errors
    /// When its file cannot be read, or can be read by others.
    pub(crate) fn passphrase(&self) -> anyhow::Result<Option<String>> {
        self.root_passphrase_file.as_deref().map(|f| secret::read("passphrase", f)).transpose()
    }
}

impl Listen {
    /// What contradicts itself: above all, tokens and personal data sent over a network in clear.
    #[must_use]
    pub fn faults(&self) -> Vec<anyhow::Error> {
        let mut faults = Vec::new();
        // RFC 8414, section 2: no query, no fragment.
        if self.url.as_ref().is_some_and(|url| {
            let plain = url.starts_with("https://") || url.starts_with("http://");
            !plain || url.ends_with('/') || url.contains(['?', '#', ' '])
        }) {
            faults.push(anyhow!(
                "--url must be https://… (or http://… on this machine) without a slash at the end, a query or a fragment"
            ));
        }
        if self.behind_proxy && self.url.is_none() {
            faults.push(anyhow!(
                "--behind-proxy needs --url (OUBLI_URL): behind a proxy the service cannot know its own URL, which tokens are issued for"
            ));
        }
        if !self.bind.ip().is_loopback() && !self.behind_proxy {
            faults.push(anyhow!(
                "{} can be reached from the network, and this service does not speak TLS: put a proxy in front and say --behind-proxy (OUBLI_BEHIND_PROXY=true), or bind 127.0.0.1",
                self.bind
            ));
        }
        faults
    }
}

/// Refuses a configuration with all its faults at once.
///
/// # Errors
/// When there are any.
pub fn refuse(faults: &[impl fmt::Display]) -> anyhow::Result<()> {
    match faults {
        [] => Ok(()),
        [one] => bail!("the configuration cannot be used: {one:#}"),
        many => {
            let lines: Vec<String> = many.iter().map(|fault| format!("  {fault:#}")).collect();
            let count = many.len();
            bail!("the configuration cannot be used; it has {count} faults:\n{}", lines.join("\n"))
        }
    }
}

impl Work {
    /// How long a key is kept.
    #[must_use]
    pub fn key_cache(&self) -> Duration {
        Duration::from_secs(self.key_cache_seconds)
    }

    /// How long a certificate and the deletion of an app wait for the caches of other nodes.
    #[must_use]
    pub fn certificate_wait(&self) -> Duration {
        Duration::from_secs(self.certificate_wait_seconds)
    }
}
