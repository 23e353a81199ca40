//! The few statements that the harness itself sends, each on a connection of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use tokio_postgres::{Client, NoTls};

/// How long a server may take from its start to its first answer.
const START_LIMIT: Duration = Duration::from_secs(90);
/// How long one try to connect may take: a port can accept and then say nothing.
const TRY_LIMIT: Duration = Duration::from_secs(5);
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

/// Runs statements that give no rows.
pub(crate) async fn execute(url: &str, statement: &str) -> anyhow::Result<()> {
    with_client(url, async |client| client.batch_execute(statement).await).await
}

/// The version that the server reports, such as `17.2`.
pub(crate) async fn server_version(url: &str) -> anyhow::Result<String> {
    let row = with_client(url, async |client| client.query_one("SHOW server_version", &[]).await);
    Ok(row.await?.try_get(0)?)
}

/// Waits until the server answers a query. An open port is not enough: Docker's proxy accepts
/// before the server listens. `ended` tells why the server will never answer, when it has gone.
pub(crate) async fn await_ready(
    url: &str,
    mut ended: impl FnMut() -> Option<String>,
) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let error = match tokio::time::timeout(TRY_LIMIT, server_version(url)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => "no answer".to_owned(),
        };
        if let Some(reason) = ended() {
            bail!("the server ended at its start: {reason}");
        }
        if begin.elapsed() > START_LIMIT {
            bail!("the server did not answer within {} s: {error}", START_LIMIT.as_secs());
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn with_client<T>(
    url: &str,
    work: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
) -> anyhow::Result<T> {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.context("cannot connect to PostgreSQL")?;
    // The connection is driven beside the work instead of in a task, so that nothing outlives it.
    tokio::select! {
        answer = work(&client) => answer.context("PostgreSQL refused a statement"),
        ended = connection => {
            ended.context("the connection to PostgreSQL broke")?;
            bail!("the connection to PostgreSQL closed early")
        }
    }
}
