//! The service as one value: its databases, keys, caches and clock.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use oubli_domain::{AppId, Clock, Code, Time, identifier};
use oubli_store::keys::service_secrets;
use oubli_store::seen::Declared;
use oubli_store::{Conn, Db, Location, Schema, apps};
use oubli_vault::RootKeyProvider;
use tokio_util::task::TaskTracker;

use crate::auth::{VerifiedTokens, schedule};
use crate::error::Result;
use crate::keyring::Keyring;
use crate::model::{Model, Models};
use crate::node::Node;
use crate::read_log::ReadLog;
use crate::secrets::{HeldSecrets, Secrets};
use crate::staff::PasswordGate;

/// The two databases, open.
#[derive(Clone, Debug)]
pub struct Databases {
    /// Ciphertext, consents, requests, the log.
    pub data: Db,
    /// Wrapped keys and blind indexes.
    pub keys: Db,
}

impl Databases {
    /// Opens both; see [`Db::open`].
    ///
    /// # Errors
    /// When one cannot be reached or its schema does not fit.
    pub async fn open(data: &Location, keys: &Location, connections: u32) -> Result<Self> {
        Ok(Self {
            data: Db::open(Schema::Data, data, connections).await?,
            keys: Db::open(Schema::Keys, keys, connections).await?,
        })
    }

    /// Whether neither database holds anything that a root key could belong to. Only then may a
    /// new root key be made.
    ///
    /// # Errors
    /// When a database does not answer.
    pub async fn are_empty(&self) -> Result<bool> {
        let no_apps = !apps::any(&mut self.data.conn().await?).await?;
        Ok(no_apps && service_secrets::all(&mut self.keys.conn().await?).await?.is_empty())
    }
}

/// How the service runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The issuer and audience of access tokens: the service's own URL.
    pub issuer: String,
    /// How long a data key, or the keys of an app, are kept in memory: at most 60 seconds.
    pub key_cache: Duration,
    /// How long a certificate waits on PostgreSQL after the data key was deleted, and the end of an
    /// app after its own keys were, so that no node can still read what is said to be gone: at least
    /// the largest `key_cache` of any node. This node's own is the least.
    pub certificate_wait: Duration,
    /// Where the journal is written: outside both databases and their backups.
    pub journal_dir: PathBuf,
}

/// The service. Cheap to share in an `Arc`; every use case takes a reference to it.
#[derive(Debug)]
pub struct Oubli {
    databases: Databases,
    clock: Arc<dyn Clock>,
    options: Options,
    secrets: HeldSecrets,
    keyring: Keyring,
    models: Models,
    reads: ReadLog,
    node: Node,
    verified: VerifiedTokens,
    gate: PasswordGate,
    tasks: TaskTracker,
}

impl Oubli {
    /// Opens the service over open databases.
    ///
    /// # Errors
    /// When the root key is not the one that the databases belong to. Nothing is written then.
    pub async fn open(
        databases: Databases,
        root: Arc<dyn RootKeyProvider>,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self> {
        let now = clock.now();
        let secrets = Secrets::open(&databases.keys, root.as_ref(), now).await?;
        let tasks = TaskTracker::new();
        drop(tasks.spawn_blocking(identifier::prepare));
        Ok(Self {
            keyring: Keyring::new(databases.keys.clone(), root, options.key_cache),
            reads: ReadLog::start(databases.data.clone(), &tasks),
            models: Models::new(),
            node: Node::new(&options),
            verified: VerifiedTokens::new(),
            gate: PasswordGate::new(),
            databases,
            clock,
            options,
            secrets: HeldSecrets::new(secrets, now),
            tasks,
        })
    }

    /// Now, by the injected clock.
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// How the service runs.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The tasks that [`Oubli::close`] waits for. What runs until it is told to stop must be told so
    /// before.
    #[must_use]
    pub fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn data(&self) -> &Db {
        &self.databases.data
    }

    pub(crate) fn keys(&self) -> &Db {
        &self.databases.keys
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        self.secrets.get()
    }

    /// The secrets as they were within the last [`schedule::RELOAD_SECONDS`]. Where they cannot be
    /// read again, those that are held do.
    pub(crate) async fn recent_secrets(&self) -> Arc<Secrets> {
        if let Err(error) = self.reload_secrets(schedule::RELOAD_SECONDS).await {
            tracing::warn!(error = %error, "the secrets of the service could not be read again");
        }
        self.secrets()
    }

    /// Reads the secrets again when they are so old; false when they are younger.
    pub(crate) async fn reload_secrets(&self, seconds: i64) -> Result<bool> {
        self.secrets.reload(self.keys(), self.keyring.root(), self.now(), seconds).await
    }

    pub(crate) fn reads(&self) -> &ReadLog {
        &self.reads
    }

    pub(crate) fn verified_tokens(&self) -> &VerifiedTokens {
        &self.verified
    }

    pub(crate) fn password_gate(&self) -> &PasswordGate {
        &self.gate
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// Until when another node may hold a key that was deleted at this time; none once that is past.
    /// Nodes keep keys in memory for as long as their caches do, which they do not tell: the wait is
    /// a setting. A SQLite file belongs to one process, which has forgotten the key.
    pub(crate) fn keys_may_be_held_until(&self, deleted_at: Option<Time>) -> Option<Time> {
        let seconds = self.held_keys_seconds();
        let until = deleted_at?.plus_seconds(seconds);
        Some(until).filter(|until| seconds > 0 && self.now() < *until)
    }

    /// Whether a time that was written down lies ahead: the clock has stepped back since. How much of
    /// a wait from then on is over, nobody can say; it begins again by the clock as it is now.
    pub(crate) fn lies_ahead(&self, written: Option<Time>) -> bool {
        written.is_some_and(|at| at > self.now())
    }

    /// For how many seconds another node may hold a key that was deleted.
    pub(crate) fn held_keys_seconds(&self) -> i64 {
        let wait = self.options.certificate_wait.max(self.options.key_cache);
        if self.data().engine_name() == "sqlite" || wait.is_zero() {
            return 0;
        }
        // The caches' clocks count whole seconds here: one more is never too few.
        i64::try_from(wait.as_secs()).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// What an app declares at the moment that `conn` sees.
    pub(crate) async fn model(&self, conn: &mut Conn, app: &AppId) -> Result<Arc<Model>> {
        self.models.of(conn, app).await
    }

    /// What `look` sees in one statement, with the model of the app at that moment.
    ///
    /// # Errors
    /// `app-not-found`, also when its deletion was approved.
    pub(crate) async fn see<S: AsRef<Declared>>(
        &self,
        app: &AppId,
        look: impl AsyncFn(&mut Conn) -> oubli_store::Result<Option<S>>,
    ) -> Result<(Arc<Model>, S)> {
        let seen = look(&mut self.data().conn().await?).await?.ok_or(Code::AppNotFound)?;
        if let Some(model) = self.models.held(app, *seen.as_ref())? {
            return Ok((model, seen));
        }
        // It has changed, or is not held yet: both are read again, at one moment.
        let mut conn = self.data().snapshot().await?;
        let model = self.model(&mut conn, app).await?;
        let seen = look(&mut conn).await?.ok_or(Code::AppNotFound)?;
        Ok((model, seen))
    }

    /// Makes ready for the end of the threads that serve HTTP: see [`Db::come_home`].
    pub async fn come_home(&self) {
        tokio::join!(self.databases.data.come_home(), self.databases.keys.come_home());
    }

    /// Ends the service: reads are logged no more, tasks come to their end, and then the databases
    /// close. Call it when no request and no worker runs any more. Doing it again changes nothing.
    pub async fn close(&self) {
        self.reads.stop();
        self.tasks.close();
        self.tasks.wait().await;
        self.databases.data.close().await;
        self.databases.keys.close().await;
    }
}
