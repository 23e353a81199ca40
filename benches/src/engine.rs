//! Where a run keeps its databases: a folder of SQLite files, or databases on a PostgreSQL server.
//! Both must be durable as in production, or the figures would be of something else.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use oubli_test_postgres::{Durability, Server, TestDatabase, find_or_start};
use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::process::Process;

/// A database engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// The embedded one.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

impl Engine {
    /// As it is shown.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// The databases of one store of people, and the folder for all else that belongs to it.
#[derive(Debug)]
pub(crate) struct Site {
    folder: TempDir,
    databases: Option<Databases>,
}

#[derive(Debug)]
struct Databases {
    data: TestDatabase,
    keys: TestDatabase,
    own: TestDatabase,
}

/// What gives out sites: the PostgreSQL server is started once.
#[derive(Debug)]
pub(crate) struct Ground {
    root: PathBuf,
    server: Option<Server>,
}

impl Ground {
    /// Prepares an engine. Folders of sites are made below `root`.
    ///
    /// # Errors
    /// When no server can be had, or what is written would not be durable.
    pub(crate) async fn prepare(engine: Engine, root: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(root)?;
        let server = match engine {
            Engine::Sqlite => {
                require_disk(root)?;
                None
            }
            Engine::Postgres => {
                let server = find_or_start(Durability::Synced).await?;
                require_durable(server.url()).await?;
                Some(server)
            }
        };
        Ok(Self { root: root.to_path_buf(), server })
    }

    /// A site with nothing in it.
    pub(crate) async fn site(&self) -> anyhow::Result<Site> {
        let folder = tempfile::tempdir_in(&self.root)?;
        let databases = match &self.server {
            None => None,
            Some(server) => Some(Databases {
                data: server.create_database("bench_data").await?,
                keys: server.create_database("bench_keys").await?,
                own: server.create_database("bench_own").await?,
            }),
        };
        Ok(Site { folder, databases })
    }

    /// The version of the engine.
    pub(crate) async fn version(&self) -> anyhow::Result<String> {
        let version = match &self.server {
            None => {
                let mut conn = SqliteConnection::connect("sqlite::memory:").await?;
                sqlx::query_scalar("select sqlite_version()").fetch_one(&mut conn).await?
            }
            Some(server) => {
                let mut conn = PgConnection::connect(server.url()).await?;
                sqlx::query_scalar("show server_version").fetch_one(&mut conn).await?
            }
        };
        Ok(version)
    }

    /// Stops the server that was started.
    pub(crate) async fn clear(self) -> anyhow::Result<()> {
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

impl Site {
    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a process whose standard error goes to a file of the folder.
    pub(crate) fn process(&self, command: &mut Command, log: &str) -> anyhow::Result<Process> {
        Process::start(command, &self.file(log))
    }

    /// The URLs of `data` and `keys` where they are on a server.
    pub(crate) fn urls(&self) -> Option<(&str, &str)> {
        self.databases.as_ref().map(|all| (all.data.url(), all.keys.url()))
    }

    /// Where the baseline finds `data`, `keys` and its own database.
    pub(crate) fn for_baseline(&self) -> [String; 3] {
        match &self.databases {
            Some(Databases { data, keys, own }) => [data, keys, own].map(|db| db.url().to_owned()),
            None => ["store/data.sqlite", "store/keys.sqlite", "baseline.db"]
                .map(|name| self.file(name).display().to_string()),
        }
    }

    /// The ids of all subjects.
    pub(crate) async fn subjects(&self) -> anyhow::Result<Vec<Uuid>> {
        let sql = "select subject_id from subjects";
        Ok(match self.urls() {
            Some((data, _)) => {
                sqlx::query_scalar(sql).fetch_all(&mut PgConnection::connect(data).await?).await?
            }
            None => sqlx::query_scalar(sql).fetch_all(&mut self.look("data").await?).await?,
        })
    }

    /// The blind indexes of all e-mail addresses.
    pub(crate) async fn indexes(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let sql = "select value from blind_indexes where type = 'email'";
        Ok(match self.urls() {
            Some((_, keys)) => {
                sqlx::query_scalar(sql).fetch_all(&mut PgConnection::connect(keys).await?).await?
            }
            None => sqlx::query_scalar(sql).fetch_all(&mut self.look("keys").await?).await?,
        })
    }

    async fn look(&self, name: &str) -> anyhow::Result<SqliteConnection> {
        let file = self.file(&format!("store/{name}.sqlite"));
        Ok(SqliteConnection::connect(&file.display().to_string()).await?)
    }
}

/// Refuses a PostgreSQL server that answers before what was written is on disk.
async fn require_durable(url: &str) -> anyhow::Result<()> {
    let mut conn = PgConnection::connect(url).await?;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut conn)
            .await?;
        ensure!(
            value == "on",
            "the PostgreSQL server has {setting} = {value}: its figures would be of a store that \
             loses data. Unset OUBLI_TEST_POSTGRES_URL, or name a server that has it on"
        );
    }
    Ok(())
}

/// Refuses a folder that is in memory.
fn require_disk(folder: &Path) -> anyhow::Result<()> {
    let system = file_system(folder)?;
    ensure!(
        !["tmpfs", "ramfs"].contains(&&*system),
        "{} is in memory ({system}): set CARGO_TARGET_DIR to a folder on a disk",
        folder.display()
    );
    Ok(())
}

/// The type of the file system that a folder is on, such as `ext4`.
pub(crate) fn file_system(folder: &Path) -> anyhow::Result<String> {
    let folder = folder.canonicalize()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts")?;
    let mut best = None;
    for line in mounts.lines() {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (Some(point), Some(kind)) = (fields.next(), fields.next()) else { continue };
        let deeper = best.is_none_or(|(known, _): (&str, &str)| point.len() >= known.len());
        if folder.starts_with(point) && deeper {
            best = Some((point, kind));
        }
    }
    best.map(|(_, kind)| kind.to_owned()).context("the folder is on no file system")
}
