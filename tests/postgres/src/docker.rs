//! A server in a container.

use std::time::Duration;

use anyhow::Context;
use testcontainers::core::IntoContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

use crate::find::{Durability, Server};
use crate::sql;
use crate::watchdog::Watchdog;

/// The image that is used unless another is named.
pub(crate) const DEFAULT_IMAGE: &str = "postgres:17";

/// How long the image may take to come and its container to start.
const START_LIMIT: Duration = Duration::from_mins(5);
/// Shared memory for parallel queries; Docker's default of 64 MiB is soon full.
const SHARED_MEMORY: u64 = 256 * 1024 * 1024;

/// Removes the container `$1` once the input has ended, by the command line tool or, without it,
/// through the daemon's default socket. Finding it already gone is no failure.
const SCRIPT: &str = r#"
cat >/dev/null
if command -v docker >/dev/null; then
  docker rm --force --volumes "$1"
else
  curl --silent --request DELETE --unix-socket /var/run/docker.sock \
    "http://localhost/containers/$1?force=true&v=true"
fi
"#;

/// Starts a container of `image`, which is fetched when it is not there, and waits until it
/// answers. The image must take `POSTGRES_PASSWORD`, arguments and port 5432 as the official one.
pub(crate) async fn start(image: &str, durability: Durability) -> anyhow::Result<Server> {
    let password = format!("{:016x}{:016x}", getrandom::u64()?, getrandom::u64()?);
    let (name, tag) = name_and_tag(image);
    let container = GenericImage::new(name, tag)
        .with_exposed_port(5432.tcp())
        .with_env_var("POSTGRES_PASSWORD", &password)
        .with_cmd(command(durability))
        .with_shm_size(SHARED_MEMORY)
        .with_startup_timeout(START_LIMIT)
        .start()
        .await
        .with_context(|| format!("no container of {image}"))?;
    // From here on the container goes with this process, however that ends.
    let watchdog = Watchdog::start(SCRIPT, &[container.id()], |_| ())?;
    let url = format!("postgres://postgres:{password}@{}/postgres", address(&container).await?);
    sql::await_ready(&url, || None).await?;
    Ok(Server::of_container(url, watchdog, container))
}

/// How the server is run; `synchronous_commit` is left on either way, as in the local cluster.
fn command(durability: Durability) -> Vec<String> {
    let sync = durability.sync();
    let settings = [
        format!("fsync={sync}"),
        format!("full_page_writes={sync}"),
        "max_connections=300".to_owned(),
    ];
    let settings = settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    std::iter::once("postgres".to_owned()).chain(settings).collect()
}

async fn address(container: &ContainerAsync<GenericImage>) -> anyhow::Result<String> {
    let host = container.get_host().await.context("Docker names no host")?;
    let port = container.get_host_port_ipv4(5432.tcp()).await.context("Docker names no port")?;
    // Docker publishes on IPv4, and `localhost` may be IPv6 first.
    let host =
        if host.to_string() == "localhost" { "127.0.0.1".to_owned() } else { host.to_string() };
    Ok(format!("{host}:{port}"))
}

/// Splits `registry:5000/name:tag`; the tag is `latest` when there is none.
fn name_and_tag(image: &str) -> (&str, &str) {
    image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((image, "latest"))
}

#[cfg(test)]
mod tests {
    use super::name_and_tag;

    #[test]
    fn a_port_is_not_a_tag() {
        for (image, expected) in [
            ("postgres:17", ("postgres", "17")),
            ("postgres", ("postgres", "latest")),
            ("registry:5000/postgres", ("registry:5000/postgres", "latest")),
            ("registry:5000/postgres:17", ("registry:5000/postgres", "17")),
        ] {
            assert_eq!(name_and_tag(image), expected, "{image}");
        }
    }
}
