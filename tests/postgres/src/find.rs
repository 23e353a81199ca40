//! The order in which a server is looked for.

use anyhow::{Context, bail};
use testcontainers::{ContainerAsync, GenericImage};

use crate::watchdog::Watchdog;
use crate::{IMAGE_VARIABLE, URL_VARIABLE, apt, docker, local, say, sql};

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
pub async fn find_or_start() -> anyhow::Result<Server> {
    if let Some(url) = variable(URL_VARIABLE) {
        let server = Server::of_others(url);
        return announced(server, &format!("the server named by {URL_VARIABLE}")).await;
    }
    if let Some(image) = variable(IMAGE_VARIABLE) {
        let server = docker::start(&image)
            .await
            .with_context(|| format!("{IMAGE_VARIABLE} is set, but Docker gave no server"))?;
        return announced(server, &format!("Docker image {image}")).await;
    }
    let mut tried = vec![format!("{URL_VARIABLE}: not set")];
    match docker::start(docker::DEFAULT_IMAGE).await {
        Ok(server) => {
            return announced(server, &format!("Docker image {}", docker::DEFAULT_IMAGE)).await;
        }
        Err(error) => tried.push(format!("Docker: {error:#}")),
    }
    match local_or_installed().await {
        Ok((server, origin)) => announced(server, &origin).await,
        Err(error) => {
            tried.push(format!("local binaries: {error:#}"));
            bail!("no PostgreSQL for the tests. Tried:\n  - {}", tried.join("\n  - "))
        }
    }
}

async fn local_or_installed() -> anyhow::Result<(Server, String)> {
    let binaries = match local::find_binaries() {
        Ok(binaries) => binaries,
        Err(missing) => {
            apt::install_postgresql().with_context(|| missing.to_string())?;
            local::find_binaries()?
        }
    };
    let server = local::start(&binaries).await?;
    Ok((server, format!("binaries in {}", binaries.display())))
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
