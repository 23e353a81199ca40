//! Reindexing: another blind-index key, every identifier indexed under it, the old key retired.

use oubli_domain::identifier::{IdentifierType, normalise};
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, IdentifierId, Time};
use oubli_store::keys::app_keys::{self, AppSecret};
use oubli_store::keys::blind_indexes::{self, BlindIndex, Copied, Owner};
use oubli_store::keys::key_sets;
use oubli_store::{identifiers, subjects};
use oubli_vault::{IndexKey, Label};

use super::work::{Kind, Lease, apps, taken_over, unless_gone};
use super::{Result, Told};
use crate::error::Error;
use crate::keyring::{AppKeys, index_name};
use crate::oubli::Oubli;
use crate::retry::retry_stale;
use crate::subjects::claims;

/// The most identifiers of one transaction.
const BATCH: i64 = 100;
/// A claim that is pending for longer is ended; a live process needs milliseconds.
const CLAIM_SECONDS: i64 = 5;
/// How long to wait for claims that are pending.
const PENDING: std::time::Duration = std::time::Duration::from_millis(500);

/// What to reindex.
#[derive(Clone, Default, Debug)]
pub struct Reindex {
    /// One app; every app when none is named.
    pub app: Option<AppId>,
    /// One type of identifiers; every type when none is named.
    pub kind: Option<IdentifierType>,
}

/// What a reindex did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reindexed {
    /// How many indexes have a new key, and no old one.
    pub indexes: usize,
    /// How many identifiers were indexed by this run.
    pub identifiers: u64,
    /// How many could not be. The old key of their index then stays in force beside the new one.
    pub left: u64,
}

/// Gives blind indexes new keys, while the service runs. An interrupted reindex goes on.
///
/// # Errors
/// `Running`, `Interrupted`, `NoSuchApp`; others when something fails: run it again.
pub async fn reindex(oubli: &Oubli, what: &Reindex, told: Told<'_>) -> Result<Reindexed> {
    oubli.keyring().root().refresh()?;
    let apps = apps(oubli, what.app.as_ref()).await?;
    let kinds = || IdentifierType::ALL.iter().filter(|kind| what.kind.is_none_or(|k| k == **kind));
    let lease = Lease::take(oubli, Kind::Reindex, told).await?;
    let counts = blind_indexes::counts(&mut oubli.keys().conn().await?).await?;
    let these = counts.iter().filter(|(app, kind, ..)| {
        apps.iter().any(|a| a.as_str() == app) && kinds().any(|k| k.as_str() == kind)
    });
    lease.set_total(these.map(|(.., count)| count.unsigned_abs()).sum()).await?;
    let mut done = Reindexed::default();
    for app in &apps {
        for kind in kinds() {
            let index = Index { lease: &lease, app, kind: *kind }.run(&mut done).await;
            unless_gone(oubli, app, index).await?;
        }
    }
    lease.end(false).await?;
    Ok(done)
}

/// One index of an app.
struct Index<'a> {
    lease: &'a Lease<'a>,
    app: &'a AppId,
    kind: IdentifierType,
}

/// What a pass over the identifiers left.
#[derive(Default)]
struct Pass {
    indexed: u64,
    pending: u64,
    left: u64,
}

impl Index<'_> {
    fn oubli(&self) -> &Oubli {
        self.lease.oubli
    }

    async fn run(&self, done: &mut Reindexed) -> Result<()> {
        retry_stale(|| self.begin()).await?;
        loop {
            let keys = self.oubli().keyring().load(self.app).await?;
            let (old, new) = keys.index_range(self.kind)?;
            let pass = if old < new { self.fill(&keys, old, new).await? } else { Pass::default() };
            done.identifiers += pass.indexed;
            if pass.left > 0 {
                done.left += pass.left;
                return Ok(());
            }
            if pass.pending == 0 {
                break;
            }
            tokio::time::sleep(PENDING).await;
        }
        let newest = retry_stale(|| self.end()).await?;
        self.clean(newest).await?;
        done.indexes += 1;
        Ok(())
    }

    /// Puts another version in force beside the old one, unless this reindex has done so.
    async fn begin(&self) -> Result<(), Error> {
        let (oubli, now, name) = (self.oubli(), self.oubli().now(), index_name(self.kind));
        let keys = oubli.keyring().load(self.app).await?;
        let stored = app_keys::secrets(&mut oubli.keys().conn().await?, self.app).await?;
        let newest = stored.iter().rfind(|secret| secret.name == name);
        let newest = newest.ok_or(Error::Damaged("an app has no index key"))?;
        let (oldest, _) = keys.index_range(self.kind)?;
        if oldest < newest.version || Time(newest.created_at) >= self.lease.started_at {
            return Ok(());
        }
        let version = newest.version + 1;
        let key = IndexKey::generate();
        let current = keys.current()?;
        let sealed = u32::try_from(version).map_err(|_| Error::Damaged("app_secrets.version"))?;
        let secret = AppSecret {
            wrapped: current.seal_secret(&name, sealed, key.to_secret().as_slice())?,
            name,
            version,
            epoch: current.epoch().into(),
            public_key: None,
            created_at: now.0,
        };
        let (app, revision, renewal) = (self.app.clone(), keys.revision(), self.lease.renewal());
        let written = oubli.keys().write("keys.new_index", move |tx| {
            let (app, secret) = (app.clone(), secret.clone());
            Box::pin(async move {
                let held = key_sets::change(tx, &app, revision).await?;
                renewal.renew(tx, 0).await?;
                app_keys::insert_secret(tx, &held, &secret).await
            })
        });
        written.await?;
        oubli.keyring().outdate(self.app, revision);
        Ok(())
    }

    /// One pass over the identifiers that lack the new version. Those that come meanwhile have both.
    async fn fill(&self, keys: &AppKeys, old: i64, new: i64) -> Result<Pass> {
        let mut pass = Pass::default();
        let mut after = Vec::new();
        loop {
            let mut conn = self.oubli().keys().conn().await?;
            let versions = (old, new);
            let page = blind_indexes::without_version(
                &mut conn, self.app, self.kind, versions, &after, BATCH,
            );
            let page = page.await?;
            drop(conn);
            let Some((last, _)) = page.last() else { return Ok(pass) };
            after = last.to_vec();
            let mut batch = Vec::new();
            for (value, owner) in page {
                let from = BlindIndex { kind: self.kind, version: old, value };
                match self.index_of(keys, new, &owner).await? {
                    Found::Index(index) => batch.push((from, owner.identifier, index)),
                    Found::Pending => pass.pending += 1,
                    Found::Unreadable => pass.left += 1,
                    Found::Gone => {}
                }
            }
            self.write(keys, batch, &mut pass).await?;
        }
    }

    /// The new index of an identifier, from its value.
    async fn index_of(&self, keys: &AppKeys, new: i64, owner: &Owner) -> Result<Found> {
        let oubli = self.oubli();
        let mut conn = oubli.data().snapshot().await?;
        let subject = subjects::get(&mut conn, self.app, owner.subject).await?;
        let listed = identifiers::list(&mut conn, self.app, owner.subject).await?;
        let model = oubli.model(&mut conn, self.app).await?;
        drop(conn);
        if subject.as_ref().is_some_and(|row| row.state == SubjectState::Erasing) {
            return Ok(Found::Gone);
        }
        let Some(sealed) = listed.into_iter().find(|row| row.identifier == owner.identifier) else {
            return self.not_kept(owner).await;
        };
        let Some(key) = oubli.keyring().data_key_if_any(self.app, owner.subject).await? else {
            return Ok(unreadable(owner.identifier, "its data key does not open"));
        };
        let id = sealed.identifier.to_string();
        let context = key.context(Label::Identifier, sealed.kind.as_str(), &id, "");
        let Ok(value) = key.open(&context, &sealed.sealed) else {
            return Ok(unreadable(owner.identifier, "it does not open"));
        };
        let text = std::str::from_utf8(&value).ok();
        let normal = text.and_then(|text| normalise(self.kind, text, model.country()).ok());
        let Some(normal) = normal else {
            return Ok(unreadable(owner.identifier, "it is not valid for its type any more"));
        };
        let index = keys.blind_indexes(&normal)?.into_iter().find(|index| index.version == new);
        Ok(index.map_or(Found::Pending, Found::Index))
    }

    /// An index whose identifier is not in `data`: its claim is ended once it is old.
    async fn not_kept(&self, owner: &Owner) -> Result<Found> {
        if owner.live {
            return Ok(Found::Gone);
        }
        if owner.created_at.plus_seconds(CLAIM_SECONDS) <= self.oubli().now() {
            claims::settle(self.oubli(), self.app, owner.subject, owner.claim).await?;
        }
        Ok(Found::Pending)
    }

    async fn write(
        &self,
        keys: &AppKeys,
        batch: Vec<(BlindIndex, IdentifierId, BlindIndex)>,
        pass: &mut Pass,
    ) -> Result<()> {
        let (app, revision, renewal) = (self.app.clone(), keys.revision(), self.lease.renewal());
        let written = self.oubli().keys().write("keys.reindex", move |tx| {
            let (app, batch) = (app.clone(), batch.clone());
            Box::pin(async move {
                let held = key_sets::hold(tx, &app, revision).await?;
                let (mut done, mut taken) = (0, 0);
                for (old, identifier, new) in &batch {
                    match blind_indexes::copy(tx, &held, old, *identifier, new).await? {
                        Copied::Done => done += 1,
                        Copied::Taken => taken += 1,
                        Copied::Gone => {}
                    }
                }
                renewal.renew(tx, done).await?;
                Ok((done, taken))
            })
        });
        let (done, taken): (i64, u64) = written.await.map_err(taken_over)?;
        pass.indexed += done.unsigned_abs();
        pass.left += taken;
        self.lease.tell(done.unsigned_abs());
        Ok(())
    }

    /// Takes the old versions out of force; gives the one that stays.
    async fn end(&self) -> Result<i64, Error> {
        let oubli = self.oubli();
        let keys = oubli.keyring().load(self.app).await?;
        let (oldest, newest) = keys.index_range(self.kind)?;
        if oldest == newest {
            return Ok(newest);
        }
        let (app, kind, revision) = (self.app.clone(), self.kind, keys.revision());
        let old: Vec<i64> = keys.index_versions(kind).filter(|v| *v < newest).collect();
        let renewal = self.lease.renewal();
        let written = oubli.keys().write("keys.retire_index", move |tx| {
            let (app, old) = (app.clone(), old.clone());
            Box::pin(async move {
                let held = key_sets::change(tx, &app, revision).await?;
                renewal.renew(tx, 0).await?;
                for version in old {
                    app_keys::delete_secret(tx, &held, &index_name(kind), version).await?;
                }
                Ok(())
            })
        });
        written.await?;
        oubli.keyring().outdate(self.app, revision);
        Ok(newest)
    }

    /// Deletes the indexes of versions that are in force no more.
    async fn clean(&self, newest: i64) -> Result<()> {
        loop {
            let (app, kind, renewal) = (self.app.clone(), self.kind, self.lease.renewal());
            let deleted = self.oubli().keys().write("keys.clean_index", move |tx| {
                let app = app.clone();
                Box::pin(async move {
                    renewal.renew(tx, 0).await?;
                    blind_indexes::delete_older(tx, &app, kind, newest).await
                })
            });
            if deleted.await.map_err(taken_over)? == 0 {
                return Ok(());
            }
        }
    }
}

/// What became of an identifier that lacks the new version.
enum Found {
    Index(BlindIndex),
    /// Its claim is not ended.
    Pending,
    /// It went, or goes.
    Gone,
    /// It cannot be indexed.
    Unreadable,
}

fn unreadable(identifier: IdentifierId, why: &'static str) -> Found {
    tracing::error!(identifier = %identifier, why, "an identifier cannot be indexed anew");
    Found::Unreadable
}
