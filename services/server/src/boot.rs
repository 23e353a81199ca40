//! Putting the service together: the one wiring, for production and for tests.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use anyhow::Context;
use oubli_api::Api;
use oubli_app::{Databases, Options, Oubli, Worker};
use oubli_domain::Clock;
use oubli_store::{Db, Schema, migrate};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::http::Http;
use crate::config::{Config, Storage, refuse};
use crate::lock::FolderLock;
use crate::{http, root_key};

/// How many connections may wait to be taken.
const BACKLOG: i32 = 4_096;

/// What a process does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// Answers HTTP.
    pub serve: bool,
    /// Works on jobs.
    pub work: bool,
}

/// A running service. Dropping it ends nothing: call [`Service::stop`].
#[derive(Debug)]
pub struct Service {
    /// Where it listens, when it does.
    pub address: Option<SocketAddr>,
    oubli: Arc<Oubli>,
    http: Option<ServerHandle>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
    _lock: Option<FolderLock>,
}

/// Opens databases, root key and service, without starting anything.
///
/// # Errors
/// When a database cannot be reached or does not fit, or the root key is missing or wrong; nothing
/// was changed then.
pub async fn open(
    config: &Config,
    clock: Arc<dyn Clock>,
    issuer: String,
) -> anyhow::Result<Arc<Oubli>> {
    refuse(&config.faults())?;
    config.storage.make_data_dir()?;
    let (data, keys) = config.storage.locations()?;
    let databases = Databases::open(&data, &keys, config.storage.connections)
        .await
        .context("cannot open the databases")?;
    let root = root_key::open(&config.root_key, &config.storage, &databases).await?;
    let options = Options {
        issuer,
        key_cache: config.work.key_cache(),
        certificate_wait: config.work.certificate_wait(),
        journal_dir: config.work.journal_dir.clone(),
    };
    let opened = Oubli::open(databases, root, clock, options).await;
    Ok(Arc::new(opened.context("the root key does not open the keys database")?))
}

/// Brings both databases to the schema of this binary; keys first, since `keys` must never be
/// older than `data`.
///
/// # Errors
/// When a database cannot be reached, or its schema is a newer binary's.
pub async fn migrate(storage: &Storage) -> anyhow::Result<()> {
    storage.make_data_dir()?;
    let (data, keys) = storage.locations()?;
    for (schema, location) in [(Schema::Keys, keys), (Schema::Data, data)] {
        let db = Db::open_for_migration(schema, &location).await?;
        let applied = migrate::apply(&db).await;
        db.close().await;
        applied?;
    }
    Ok(())
}

impl Service {
    /// Starts the service.
    ///
    /// # Errors
    /// As [`open`]; also when the address is taken, or another process holds the SQLite folder.
    pub async fn start(
        config: &Config,
        http: &Http,
        roles: Roles,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let mut faults = config.faults();
        if roles.serve {
            faults.extend(http.listen.faults());
        }
        refuse(&faults)?;
        let listen = &http.listen;
        let lock = take_folder(config)?;
        let listener = if roles.serve { Some(bind(listen.bind)?) } else { None };
        let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let own = address.unwrap_or(listen.bind);
        let issuer = listen.url.clone().unwrap_or_else(|| format!("http://{own}"));
        let oubli = open(config, clock, issuer).await?;
        let mut service = Self {
            address,
            oubli,
            http: None,
            stop: CancellationToken::new(),
            tasks: Vec::new(),
            _lock: lock,
        };
        if roles.work {
            service.work();
        }
        if let Some(listener) = listener {
            service.listen(listener, http)?;
        }
        Ok(service)
    }

    /// The service itself, for use cases that have no endpoint.
    #[must_use]
    pub fn oubli(&self) -> &Arc<Oubli> {
        &self.oubli
    }

    #[expect(clippy::disallowed_methods, reason = "the task is kept: `stop` waits for it")]
    fn work(&mut self) {
        let worker = Worker::new(Arc::clone(&self.oubli), self.stop.clone());
        self.tasks.push(tokio::spawn(worker.run()));
    }

    #[expect(clippy::disallowed_methods, reason = "the task is kept: `stop` waits for it")]
    fn listen(&mut self, listener: TcpListener, http: &Http) -> anyhow::Result<()> {
        let api = Api::new(Arc::clone(&self.oubli), http.limits.of_api(), http.rate_limit.of_api());
        let server = http::serve(api, listener, &http.limits)?;
        self.http = Some(server.handle());
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(error = &error as &dyn std::error::Error, "the HTTP server ended");
            }
        }));
        Ok(())
    }

    /// Takes no more connections and no more jobs, ends those requests that are open and the steps of
    /// jobs in hand, and closes the databases. Requests that do not end within
    /// `limits.drain_seconds` are dropped, and the jobs of steps that do not
    /// within 20 seconds are given back.
    pub async fn stop(self) {
        self.stop.cancel();
        if let Some(http) = &self.http {
            // Who comes now waits in the listener's queue and is sent away.
            http.pause().await;
            self.oubli.come_home().await;
            http.stop(true).await;
        }
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(error = &error as &dyn std::error::Error, "a task panicked");
            }
        }
        self.oubli.close().await;
    }
}

fn take_folder(config: &Config) -> anyhow::Result<Option<FolderLock>> {
    if !config.storage.is_embedded() {
        return Ok(None);
    }
    config.storage.make_data_dir()?;
    FolderLock::take(&config.storage.data_dir).map(Some)
}

fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener =
        TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    // More than the library asks for: a burst of connections is to wait, not to be sent away.
    rustix::net::listen(&listener, BACKLOG)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
