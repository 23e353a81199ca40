//! Where everything is and how the service listens. Every setting is a flag and an environment
//! variable, and has a default: with none of them the service runs on SQLite on this machine.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::Args;
use oubli_store::Location;

/// Where the databases are.
#[derive(Args, Clone)]
pub struct Storage {
    /// Folder of the embedded SQLite databases, made when it is not there.
    #[arg(long, env = "OUBLI_DATA_DIR", default_value = "oubli-data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// PostgreSQL URL of the `data` database. With --keys-url, instead of SQLite.
    #[arg(long, env = "OUBLI_DATA_URL", value_name = "URL", hide_env_values = true)]
    pub data_url: Option<String>,
    /// PostgreSQL URL of the `keys` database: another one than `data`, best another cluster.
    #[arg(long, env = "OUBLI_KEYS_URL", value_name = "URL", hide_env_values = true)]
    pub keys_url: Option<String>,
    /// Connections to each database, at most.
    #[arg(long, env = "OUBLI_CONNECTIONS", default_value_t = 16, value_name = "N")]
    pub connections: u32,
}

/// Where the root key comes from: a file, a passphrase, or the environment.
#[derive(Args, Clone)]
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
    #[arg(long, env = "OUBLI_ROOT_PASSPHRASE_FILE", value_name = "FILE")]
    pub root_passphrase_file: Option<PathBuf>,
    /// `OUBLI_ROOT_KEY`: never on a command line, where every process could read it.
    #[arg(skip)]
    pub from_environment: Option<String>,
}

/// How the service listens.
#[derive(Args, Clone, Debug)]
pub struct Listen {
    /// Address and port to listen on.
    #[arg(long, env = "OUBLI_BIND", default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    pub bind: SocketAddr,
    /// A proxy in front ends TLS. Without it the service listens on this machine only.
    #[arg(
        long,
        env = "OUBLI_BEHIND_PROXY",
        requires = "url",
        value_parser = clap::builder::BoolishValueParser::new()
    )]
    pub behind_proxy: bool,
    /// The service's own URL as its callers write it, without a slash at the end: issuer and
    /// audience of access tokens, the same on every node. Made of --bind when not given.
    #[arg(long, env = "OUBLI_URL", value_name = "URL")]
    pub url: Option<String>,
}

/// How the service works.
#[derive(Args, Clone, Debug)]
pub struct Work {
    /// Folder of the journal, which a restore replays: outside the databases and their backups.
    #[arg(long, env = "OUBLI_JOURNAL_DIR", default_value = "oubli-journal", value_name = "DIR")]
    pub journal_dir: PathBuf,
    /// Seconds that a data key is kept in memory, 0 to 60.
    #[arg(
        long,
        env = "OUBLI_KEY_CACHE_SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(0..=60),
        value_name = "N"
    )]
    pub key_cache_seconds: u64,
    /// Seconds that a certificate of erasure waits on PostgreSQL after the data key was deleted. Must
    /// be at least the largest --key-cache-seconds of any node.
    #[arg(
        long,
        env = "OUBLI_CERTIFICATE_WAIT_SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(0..=3_600),
        value_name = "N"
    )]
    pub certificate_wait_seconds: u64,
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
    /// Where `data` and `keys` are.
    ///
    /// # Errors
    /// When one URL is given without the other, or both are the same.
    pub fn locations(&self) -> anyhow::Result<(Location, Location)> {
        match (&self.data_url, &self.keys_url) {
            (None, None) => Ok((
                Location::Sqlite(self.data_dir.join("data.sqlite")),
                Location::Sqlite(self.data_dir.join("keys.sqlite")),
            )),
            (Some(data), Some(keys)) => {
                ensure!(
                    data != keys,
                    "--data-url and --keys-url name one database: keys must lie apart, or one backup holds both"
                );
                Ok((Location::Postgres(data.clone()), Location::Postgres(keys.clone())))
            }
            _ => bail!(
                "--data-url and --keys-url go together: give both for PostgreSQL, or neither for SQLite"
            ),
        }
    }

    /// Whether the databases are the embedded ones.
    #[must_use]
    pub fn is_embedded(&self) -> bool {
        self.data_url.is_none() && self.keys_url.is_none()
    }

    /// Makes the folder of the embedded databases, readable by its owner alone.
    ///
    /// # Errors
    /// When it cannot be made, or is there and others can read it.
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
        Ok(())
    }
}

impl Listen {
    /// Refuses to send tokens and personal data over a network in clear.
    ///
    /// # Errors
    /// For an address of the network without `--behind-proxy`.
    pub fn check(&self) -> anyhow::Result<()> {
        if let Some(url) = &self.url {
            // RFC 8414, section 2: no query, no fragment.
            let plain = url.starts_with("https://") || url.starts_with("http://");
            ensure!(
                plain && !url.ends_with('/') && !url.contains(['?', '#', ' ']),
                "--url must be https://… (or http://… on this machine) without a slash at the end, a query or a fragment"
            );
        }
        ensure!(
            self.bind.ip().is_loopback() || self.behind_proxy,
            "{} can be reached from the network, and this service does not speak TLS: put a proxy in front and say --behind-proxy (OUBLI_BEHIND_PROXY=true), or bind 127.0.0.1",
            self.bind
        );
        Ok(())
    }
}

impl Work {
    /// How long a data key is kept.
    #[must_use]
    pub fn key_cache(&self) -> Duration {
        Duration::from_secs(self.key_cache_seconds)
    }

    /// How long a certificate waits for the caches of other nodes.
    #[must_use]
    pub fn certificate_wait(&self) -> Duration {
        Duration::from_secs(self.certificate_wait_seconds)
    }
}
