//! The certificate, the end of the app's own keys, the cleaning of files, and the end.

use oubli_domain::{AppId, AppState, CertificateId, DeletionStep, Time};
use oubli_store::app_tables::{APP_KEY_TABLES, delete_chunk};
use oubli_store::keys::app_keys;
use oubli_store::staff::events as staff_events;
use oubli_store::{Result as StoreResult, StoreError, Tx, app_deletions, apps};

use super::certificate::{Claims, KeyFate};
use super::view::counts;
use super::{Work, mark};
use crate::caller::Actor;
use crate::error::{Error, Result};
use crate::keyring::LOG_SIGNING;
use crate::signed;
use crate::staff::Told;
use crate::worker::Next;

/// Signing is the last use of the app's keys; a certificate cannot say that they are gone but for
/// this: nobody gets it before they are.
const APP_KEYS: &str = "The app's own keys, the one that signs this among them, are deleted after the \
    signature. The certificate is given out only once they are. The public half is kept, so that what \
    the app signed can be checked.";

impl Work<'_> {
    /// Signs while the key is there.
    pub(super) async fn certify(&self) -> Result<Next> {
        let now = self.oubli.now();
        let key = self.oubli.keyring().last_log_key(&self.leased.job.app).await?;
        let jws = signed::sign(&key, &self.claims(now)?)?;
        let leased = self.leased.clone();
        let (from, to) = (DeletionStep::Verified, DeletionStep::Certified);
        let written = self.oubli.data().write("leaving.certified", move |tx| {
            let (leased, jws) = (leased.clone(), jws.clone());
            Box::pin(async move {
                mark(tx, &leased, from, to, None, now).await?;
                app_deletions::set_certificate(tx, &leased.job.app, &jws).await
            })
        });
        written.await?;
        Ok(Next::Again)
    }

    fn claims(&self, now: Time) -> Result<Claims> {
        let (root, deletion) = (self.oubli.keyring().root(), &self.deletion);
        let missing = || Error::Damaged("app_deletions.approved_by");
        let finality = if root.can_delete() {
            "Backups made before the deletion stay readable to a holder of the root key until the \
             root key versions of their time are deleted."
        } else {
            "The root key provider cannot delete a key version: the deletion is final when the last \
             backup made before it is gone."
        };
        Ok(Claims {
            iss: self.oubli.options().issuer.clone(),
            iat: now.seconds(),
            jti: CertificateId::fresh(now),
            app: self.leased.job.app.clone(),
            proposed_by: deletion.proposed_by,
            proposed_at: deletion.proposed_at,
            approved_by: deletion.approved_by.ok_or_else(missing)?,
            approved_at: deletion.approved_at.ok_or_else(missing)?,
            counted_at: now,
            deleted: self.outcome.deleted.clone(),
            left: self.outcome.left.clone(),
            keys: KeyFate {
                data_keys_deleted_at: self.outcome.data_keys_deleted_at,
                app_keys: APP_KEYS.to_owned(),
                root_provider: root.name().to_owned(),
            },
            final_at: None,
            finality: finality.to_owned(),
        })
    }

    /// Deletes the app's own keys and keeps their public halves, both or neither.
    pub(super) async fn delete_app_keys(&self) -> Result<Next> {
        let (app, now) = (self.leased.job.app.clone(), self.oubli.now());
        let deleted = self.oubli.keys().write("leaving.delete_app_keys", move |tx| {
            let app = app.clone();
            Box::pin(async move { retire(tx, &app, now).await })
        });
        deleted.await?;
        self.oubli.keyring().forget_app(&self.leased.job.app);
        let mut outcome = self.outcome.clone();
        outcome.app_keys_deleted_at = Some(now);
        let (from, to) = (DeletionStep::Certified, DeletionStep::AppKeysDeleted);
        self.advance("leaving.app_keys_deleted", from, to, Some(outcome)).await
    }

    /// Only when no node and no file holds anything of the app any more is it `deleted`.
    pub(super) async fn finish(&self) -> Result<Next> {
        let deleted_at = self.outcome.app_keys_deleted_at;
        if self.oubli.lies_ahead(deleted_at) {
            let app_keys_deleted_at = Some(self.oubli.now());
            let outcome = super::Outcome { app_keys_deleted_at, ..self.outcome.clone() };
            let step = DeletionStep::AppKeysDeleted;
            return self.advance("leaving.wait_anew", step, step, Some(outcome)).await;
        }
        if let Some(until) = self.oubli.keys_may_be_held_until(deleted_at) {
            return Ok(Next::At(until));
        }
        let left = counts(self.oubli, &self.leased.job.app).await?;
        if left.values().any(|rows| *rows != 0) {
            return Err(Error::Damaged("rows of an app that were counted as gone"));
        }
        match self.oubli.node().cleaner.clean(self.oubli.data(), self.oubli.keys()).await {
            // A reader stands in the way.
            Err(StoreError::Contention) => {
                return Ok(Next::At(self.oubli.now().plus_seconds(1)));
            }
            cleaned => cleaned?,
        }
        self.end().await
    }

    async fn end(&self) -> Result<Next> {
        let (leased, now) = (self.leased.clone(), self.oubli.now());
        let told = Told::new(&Actor::System, now, "app.deleted");
        let told = told.fact("app", leased.job.app.as_str()).event();
        let (from, to) = (DeletionStep::AppKeysDeleted, DeletionStep::Deleted);
        let written = self.oubli.data().write("leaving.deleted", move |tx| {
            let (leased, told) = (leased.clone(), told.clone());
            Box::pin(async move {
                let app = &leased.job.app;
                mark(tx, &leased, from, to, None, now).await?;
                app_deletions::complete(tx, app, now).await?;
                apps::set_state(tx, app, AppState::Deleting, AppState::Deleted).await?;
                staff_events::insert(tx, &told).await?;
                leased.finish(tx).await
            })
        });
        written.await?;
        tracing::warn!(app = %self.leased.job.app, "an app was deleted");
        Ok(Next::Done)
    }
}

async fn retire(tx: &mut Tx, app: &AppId, now: Time) -> StoreResult<()> {
    app_keys::keep_public(tx, app, LOG_SIGNING, now).await?;
    for table in APP_KEY_TABLES {
        while delete_chunk(tx, table, app).await? == table.most {}
    }
    Ok(())
}
