//! The order in which a server is looked for.

use std::path::PathBuf;

use anyhow::{Context, bail};
use testcontainers::{ContainerAsync, GenericImage};

use crate::watchdog::Watchdog;
use crate::{IMAGE_VARIABLE, TestDatabase, URL_VARIABLE, apt, docker, local, say, sql};

/// What a server that is started here does for data to outlive a crash of the machine. A server
/// that others run is as they made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// Nothing: for tests, which throw it away.
    ThrownAway,
    /// What PostgreSQL does by default: for measurements.
    Synced,
}

impl Durability {
    /// The value of `fsync` and `full_page_writes`.
    pub(crate) const fn sync(self) -> &'static str {
        match self {
            Self::ThrownAway => "off",
            Self::Synced => "on",
        }
    }
}

/// A running PostgreSQL server.
#[derive(Debug)]
pub struct Server {
    url: String,
    watchdog: Option<Watchdog>,
    container: Option<ContainerAsync<GenericImage>>,
}

impl Server {
    /// A server that others run; it is not stopped from here.
    pub(crate) fn of_others(url: String) -> Self {
        Self { url, watchdog: None, container: None }
    }

    /// A server of local binaries, kept by `watchdog`.
    pub(crate) fn of_binaries(url: String, watchdog: Watchdog) -> Self {
        Self { url, watchdog: Some(watchdog), container: None }
    }

    /// A server in a container, removed by `watchdog` if the process dies before [`Self::stop`].
    pub(crate) fn of_container(
        url: String,
        watchdog: Watchdog,
        container: ContainerAsync<GenericImage>,
    ) -> Self {
        Self { url, watchdog: Some(watchdog), container: Some(container) }
    }

    /// The URL of its maintenance database, password included.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Creates an empty database with a name of its own. `prefix` begins the name, so that a person
    /// sees whose it is.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn create_database(&self, prefix: &str) -> anyhow::Result<TestDatabase> {
        TestDatabase::create(&self.url, prefix).await
    }

    /// Stops the server and removes what it left, if it was started from here.
    ///
    /// # Errors
    /// When the container cannot be removed or the watchdog cannot be waited for.
    pub async fn stop(self) -> anyhow::Result<()> {
        if let Some(container) = self.container {
            container.rm().await.context("the container cannot be removed")?;
        }
        self.watchdog.map_or(Ok(()), Watchdog::stop)
    }
}

/// Finds or starts a server: the URL in [`URL_VARIABLE`], else Docker, else local binaries, else
/// (as root) the distribution's package. Says on stderr which one it is.
///
/// A URL or an image that was asked for and does not work is an error, not a reason to look on:
/// the tests would run on another engine than the one that was meant.
///
/// # Errors
/// When none works; the text lists what was tried and why each failed.
pub async fn find_or_start(durability: Durability) -> anyhow::Result<Server> {
    if let Some(url) = variable(URL_VARIABLE) {
        let server = Server::of_others(url);
        return announced(server, &format!("the server named by {URL_VARIABLE}")).await;
    }
    if let Some(image) = variable(IMAGE_VARIABLE) {
        let server = docker::start(&image, durability)
            .await
            .with_context(|| format!("{IMAGE_VARIABLE} is set, but Docker gave no server"))?;
        return announced(server, &format!("Docker image {image}")).await;
    }
    let mut tried = vec![format!("{URL_VARIABLE}: not set")];
    match docker::start(docker::DEFAULT_IMAGE, durability).await {
        Ok(server) => {
            return announced(server, &format!("Docker image {}", docker::DEFAULT_IMAGE)).await;
        }
        Err(error) => tried.push(format!("Docker: {error:#}")),
    }
    match local_or_installed(durability).await {
        Ok((server, origin)) => announced(server, &origin).await,
        Err(error) => {
            tried.push(format!("local binaries: {error:#}"));
            bail!("no PostgreSQL for the tests. Tried:\n  - {}", tried.join("\n  - "))
        }
    }
}

async fn local_or_installed(durability: Durability) -> anyhow::Result<(Server, String)> {
    let binaries = binaries_or_installed()?;
    let server = local::start(&binaries, durability).await?;
    Ok((server, format!("binaries in {}", binaries.display())))
}

/// The folder of the local binaries, installed where there are none.
pub(crate) fn binaries_or_installed() -> anyhow::Result<PathBuf> {
    local::find_binaries().or_else(|missing| {
        apt::install_package("postgresql").with_context(|| missing.to_string())?;
        local::find_binaries()
    })
}

/// Asks the server for its version, which also proves that it answers, and prints it.
async fn announced(server: Server, origin: &str) -> anyhow::Result<Server> {
    let version = sql::server_version(server.url())
        .await
        .with_context(|| format!("{origin} does not answer"))?;
    say(&format!("PostgreSQL {version} from {origin}"));
    Ok(server)
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
