//! Keys in memory, for at most a minute: each app's unwrapped keys, and data keys.

mod kept;
mod many;
mod unwrapped;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use oubli_domain::{AppId, Code, SubjectId, Time};
use oubli_store::Db;
use oubli_store::keys::app_keys::{self, WrappedAppKey};
use oubli_store::keys::key_sets;
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_vault::{AppKey, DataKey, RootKeyProvider, SigningKey};

pub(crate) use self::many::DataKeys;
pub(crate) use self::unwrapped::{AppKeys, LOG_SIGNING, index_name};
use self::unwrapped::{new_secrets, open_app};
use crate::error::{Error, Result};
use crate::retry::retry_stale;

/// How many data keys are held at most; each is some hundred bytes.
const DATA_KEYS: u64 = 50_000;
/// How many apps' keys are held at most.
const APPS: u64 = 10_000;

/// The revision of a key set that nobody can hold.
const CLOSED: i64 = 0;

/// The keys that this process holds.
#[derive(Debug)]
pub(crate) struct Keyring {
    keys: Db,
    root: Arc<dyn RootKeyProvider>,
    apps: Cache<AppId, Arc<AppKeys>>,
    data_keys: Cache<(AppId, SubjectId), Arc<DataKey>>,
    /// Counts how often a data key was forgotten. A key whose row was read before is not kept, as
    /// it may be the one that was to be forgotten.
    forgotten: Mutex<u64>,
}

impl Keyring {
    /// Holds every key for at most `ttl`: one that was deleted is in no memory after that.
    pub(crate) fn new(keys: Db, root: Arc<dyn RootKeyProvider>, ttl: Duration) -> Self {
        Self {
            keys,
            root,
            apps: Cache::builder().max_capacity(APPS).time_to_live(ttl).build(),
            data_keys: Cache::builder().max_capacity(DATA_KEYS).time_to_live(ttl).build(),
            forgotten: Mutex::new(0),
        }
    }

    /// The provider of the root key.
    pub(crate) fn root(&self) -> &dyn RootKeyProvider {
        self.root.as_ref()
    }

    /// Makes the keys of a new app. Where another call or an earlier attempt made them already,
    /// theirs stay.
    pub(crate) async fn create_app(&self, app: &AppId, now: Time) -> Result<()> {
        retry_stale(|| async {
            self.root.refresh()?;
            self.try_create_app(app, now).await
        })
        .await
    }

    async fn try_create_app(&self, app: &AppId, now: Time) -> Result<()> {
        let key = AppKey::generate(app, 1);
        let wrapped = key.wrap(self.root())?;
        let row = WrappedAppKey {
            epoch: 1,
            root_version: wrapped.root_version.into(),
            wrapped: wrapped.bytes,
        };
        let secrets = new_secrets(&key, now)?;
        let app = app.clone();
        let written = self.keys.write("keys.create_app", move |tx| {
            let (app, row, secrets) = (app.clone(), row.clone(), secrets.clone());
            Box::pin(async move {
                let Some(held) = key_sets::create(tx, &app).await? else { return Ok(()) };
                let root = key_sets::hold_root(tx, row.root_version).await?;
                app_keys::insert(tx, &held, &root, &row, now).await?;
                for secret in &secrets {
                    app_keys::insert_secret(tx, &held, secret).await?;
                }
                Ok(())
            })
        });
        Ok(written.await?)
    }

    /// The keys of an app, as they are or were within the last minute: whoever writes under them
    /// holds their revision.
    ///
    /// # Errors
    /// `app-not-found`.
    pub(crate) async fn app(&self, app: &AppId) -> Result<Arc<AppKeys>> {
        match self.apps.get(app) {
            Some(held) => Ok(held),
            None => self.load(app).await,
        }
    }

    /// The keys of an app as they are now.
    pub(crate) async fn load(&self, app: &AppId) -> Result<Arc<AppKeys>> {
        let mut conn = self.keys.snapshot().await?;
        let revision = key_sets::revision(&mut conn, app).await?.ok_or(Code::AppNotFound)?;
        let wrapped = app_keys::of_app(&mut conn, app).await?;
        let secrets = app_keys::secrets(&mut conn, app).await?;
        drop(conn);
        let keys = Arc::new(open_app(self.root(), app, revision, &wrapped, &secrets)?);
        self.apps.insert(app.clone(), Arc::clone(&keys));
        Ok(keys)
    }

    /// Whether the app's keys have changed since these were loaded. If so, the next
    /// [`Keyring::app`] loads them again.
    pub(crate) async fn is_stale(&self, held: &AppKeys) -> Result<bool> {
        let stored = key_sets::revision(&mut self.keys.conn().await?, &held.app).await?;
        let stale = stored != Some(held.revision);
        if stale {
            self.outdate(&held.app, held.revision);
        }
        Ok(stale)
    }

    /// Forgets keys that were loaded at a revision which is no longer in force. Newer ones stay.
    pub(crate) fn outdate(&self, app: &AppId, revision: i64) {
        if self.apps.get(app).is_some_and(|keys| keys.revision == revision) {
            self.apps.invalidate(app);
        }
    }

    /// The data key of a subject whose row in `data` the caller has seen.
    ///
    /// # Errors
    /// `subject-not-found` when the key is gone: the person was erased.
    pub(crate) async fn data_key(&self, app: &AppId, subject: SubjectId) -> Result<Arc<DataKey>> {
        let place = (app.clone(), subject);
        if let Some(held) = self.data_keys.get(&place) {
            return Ok(held);
        }
        let forgotten = self.forgotten();
        let key = Arc::new(self.read_data_key(app, subject).await?);
        self.remember(place, &key, forgotten);
        Ok(key)
    }

    /// The data key of a subject who may have lost it, for what must go on without: none when its
    /// row is gone or does not open.
    ///
    /// # Errors
    /// When the database does not answer, or the app's own keys do not open.
    pub(crate) async fn data_key_if_any(
        &self,
        app: &AppId,
        subject: SubjectId,
    ) -> Result<Option<Arc<DataKey>>> {
        // What is wrong with these is wrong with everybody's key, and says nothing of this one.
        self.app(app).await?;
        match self.data_key(app, subject).await {
            Ok(key) => Ok(Some(key)),
            Err(Error::Refused(refusal)) if refusal.code == Code::SubjectNotFound => Ok(None),
            Err(error @ (Error::Vault(_) | Error::Damaged(_))) => {
                tracing::error!(error = %error, "the data key of a person does not open");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn forgotten(&self) -> u64 {
        *self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a key, unless any was forgotten since `forgotten` was read.
    fn remember(&self, place: (AppId, SubjectId), key: &Arc<DataKey>, forgotten: u64) {
        let now = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        if *now == forgotten {
            self.data_keys.insert(place, Arc::clone(key));
        }
    }

    /// Reads and opens a data key. One of an epoch that is not held was rewrapped, or its epoch
    /// retired, after the keys or the row were read: both are read once more.
    async fn read_data_key(&self, app: &AppId, subject: SubjectId) -> Result<DataKey> {
        for _ in 0..2 {
            let row = self.data_key_row(app, subject).await?;
            let keys = self.app(app).await?;
            if let Some(key) = keys.open_data_key(&row)? {
                return Ok(key);
            }
            self.is_stale(&keys).await?;
        }
        Err(Error::Damaged("the epoch of a data key"))
    }

    async fn data_key_row(&self, app: &AppId, subject: SubjectId) -> Result<WrappedDataKey> {
        let row = subject_keys::get(&mut self.keys.conn().await?, app, subject).await?;
        Ok(row.ok_or(Code::SubjectNotFound)?)
    }

    /// Forgets a subject's data key at once.
    pub(crate) fn forget(&self, app: &AppId, subject: SubjectId) {
        let mut count = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        self.data_keys.invalidate(&(app.clone(), subject));
        drop(count);
        self.sweep();
    }

    /// Forgets every key of an app at once.
    pub(crate) fn forget_app(&self, app: &AppId) {
        let mut count = self.forgotten.lock().unwrap_or_else(PoisonError::into_inner);
        *count += 1;
        for (place, _) in self.data_keys.iter().filter(|(place, _)| place.0 == *app) {
            self.data_keys.invalidate(&*place);
        }
        drop(count);
        self.apps.invalidate(app);
        self.sweep();
    }

    /// The key that signs for an app whose key set is closed, and which has no other use any more. It
    /// is not kept.
    pub(crate) async fn last_log_key(&self, app: &AppId) -> Result<SigningKey> {
        let mut conn = self.keys.snapshot().await?;
        let wrapped = app_keys::of_app(&mut conn, app).await?;
        let secrets = app_keys::secrets(&mut conn, app).await?;
        drop(conn);
        self.root.refresh()?;
        Ok(open_app(self.root(), app, CLOSED, &wrapped, &secrets)?.log_signing)
    }

    /// Drops the keys whose minute is over, so that their memory is overwritten.
    pub(crate) fn sweep(&self) {
        self.apps.run_pending_tasks();
        self.data_keys.run_pending_tasks();
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use crate::requests::world::World;
    use crate::testing;

    #[tokio::test]
    async fn a_key_that_was_read_before_it_was_forgotten_is_not_kept() {
        let world = World::new().await;
        let (ada, keyring) = (world.person("ada").await, world.oubli.keyring());
        let place = (world.app.clone(), ada);
        let before = keyring.forgotten();
        let key = keyring.data_key(&world.app, ada).await.unwrap();
        assert!(keyring.data_keys.contains_key(&place));
        keyring.forget(&world.app, ada);
        assert!(!keyring.data_keys.contains_key(&place));
        keyring.remember(place.clone(), &key, before);
        assert!(!keyring.data_keys.contains_key(&place));
        keyring.remember(place.clone(), &key, keyring.forgotten());
        assert!(keyring.data_keys.contains_key(&place));
    }

    #[tokio::test]
    async fn keys_whose_time_is_over_are_swept() {
        let mut world = World::new().await;
        world.oubli.close().await;
        world.oubli = testing::node_that_holds(&world.dir, &world.clock, Duration::ZERO).await;
        let keyring = world.oubli.keyring();
        let held = Arc::downgrade(&keyring.app(&world.app).await.unwrap());
        keyring.sweep();
        assert!(held.upgrade().is_none(), "the keys of the app are overwritten");
    }
}
