//! A subject that is about to be written: alone, or among the many of an import.

use oubli_domain::import_line::EndedPurpose;
use oubli_domain::{AppId, ClaimId, IdentifierId, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::identifiers::SealedIdentifier;
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};
use oubli_store::keys::key_sets;
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, events, identifiers, subjects};
use serde_json::json;

use super::claims::{self, clear_the_way};
use super::create::{Created, Prepared, seal};
use crate::caller::{Call, Caller};
use crate::error::{Error, Result};
use crate::keyring::AppKeys;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::purposes::ImportedEnd;

/// A subject as it is about to be written.
#[derive(Clone)]
pub(crate) struct Draft {
    app: AppId,
    pub(crate) subject: SubjectId,
    pub(crate) claim: ClaimId,
    at: Time,
    /// The revision of the app's keys that `key` and `indexes` were made under.
    revision: i64,
    created_at: Time,
    last_contact: Time,
    key: WrappedDataKey,
    pub(crate) indexes: Vec<(BlindIndex, IdentifierId)>,
    sealed: Vec<SealedIdentifier>,
    event: NewEvent,
    ends: Vec<ImportedEnd>,
}

/// What an import knows of a person's past.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    /// When the app first knew the person.
    pub(crate) created_at: Time,
    /// When the person last made contact.
    pub(crate) last_contact: Time,
    /// The purposes that are over.
    pub(crate) ended: Vec<EndedPurpose>,
}

impl Draft {
    /// Makes everything that is written, for a subject of now.
    pub(crate) async fn new(oubli: &Oubli, call: &Call, new: &[Prepared]) -> Result<Self> {
        let app_keys = oubli.keyring().app(&call.caller.app).await?;
        Self::of(&app_keys, &call.caller, new, None, oubli.now())
    }

    /// The same for one that an import brings.
    pub(crate) fn imported(
        app_keys: &AppKeys,
        caller: &Caller,
        new: &[Prepared],
        past: &Past,
        at: Time,
    ) -> Result<Self> {
        Self::of(app_keys, caller, new, Some(past), at)
    }

    fn of(
        app_keys: &AppKeys,
        caller: &Caller,
        new: &[Prepared],
        imported: Option<&Past>,
        at: Time,
    ) -> Result<Self> {
        let app = caller.app.clone();
        let (subject, claim) = (SubjectId::fresh(at), ClaimId::fresh(at));
        let (data_key, key) = app_keys.new_data_key(subject, claim)?;
        let mut indexes = Vec::with_capacity(new.len());
        let mut sealed = Vec::with_capacity(new.len());
        for identifier in new {
            let row = seal(&data_key, &identifier.raw, at)?;
            let all = app_keys.blind_indexes(&identifier.normal)?;
            indexes.extend(all.into_iter().map(|index| (index, row.identifier)));
            sealed.push(row);
        }
        let types: Vec<&str> = sealed.iter().map(|s| s.kind.as_str()).collect();
        let entry = Entry::about(subject, &data_key).payload(json!({ "identifier_types": types }));
        let entry = if imported.is_some() { entry.reason("import") } else { entry };
        let event = entry.event(&app, &caller.actor, at, "subject.created");
        let (created_at, last_contact) =
            imported.map_or((at, at), |past| (past.created_at, past.last_contact));
        let ended = imported.iter().flat_map(|past| &past.ended);
        let ends = ended.map(|end| ImportedEnd::new(caller, subject, &data_key, end, at));
        let revision = app_keys.revision();
        Ok(Self {
            app,
            subject,
            claim,
            at,
            revision,
            created_at,
            last_contact,
            key,
            indexes,
            sealed,
            event,
            ends: ends.collect(),
        })
    }

    /// Lets the app's keys be loaded again, after they turned out not to be in force any more.
    pub(crate) fn outdate(&self, oubli: &Oubli) {
        oubli.keyring().outdate(&self.app, self.revision);
    }

    /// Writes the pending rows of subjects of one app, in a transaction of `keys`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the keys are not in force any more; see [`Draft::outdate`].
    pub(crate) async fn insert_claims(tx: &mut Tx, drafts: &[Self]) -> StoreResult<()> {
        let Some(Self { app, revision, .. }) = drafts.first() else { return Ok(()) };
        if drafts.iter().any(|draft| draft.revision != *revision) {
            return Err(StoreError::Stale);
        }
        let held = key_sets::hold(tx, app, *revision).await?;
        subject_keys::insert_many(tx, &held, drafts.iter().map(|d| (&d.key, d.at))).await?;
        blind_indexes::insert_many(tx, &held, drafts.iter().flat_map(Self::pending)).await
    }

    /// The blind indexes with their owner, as long as the claim is not kept.
    fn pending(&self) -> impl Iterator<Item = (&BlindIndex, Owner)> {
        let (subject, claim, created_at) = (self.subject, self.claim, self.at);
        self.indexes.iter().map(move |(index, identifier)| {
            let identifier = *identifier;
            (index, Owner { subject, identifier, claim, live: false, created_at })
        })
    }

    fn identifiers(&self) -> impl Iterator<Item = (SubjectId, &SealedIdentifier)> {
        self.sealed.iter().map(|sealed| (self.subject, sealed))
    }

    /// Keeps the claims and writes the subjects, of one app, in a transaction of `data`.
    pub(crate) async fn insert(tx: &mut Tx, drafts: &[Self]) -> StoreResult<()> {
        let Some(Self { app, .. }) = drafts.first() else { return Ok(()) };
        let claims = drafts.iter().map(|draft| (draft.claim, draft.subject, draft.at));
        oubli_store::claims::keep_many(tx, app, claims).await?;
        let people = drafts.iter().map(|d| (d.subject, d.created_at, d.last_contact));
        subjects::insert_many(tx, app, people).await?;
        identifiers::insert_many(tx, app, drafts.iter().flat_map(Self::identifiers)).await?;
        let log: Vec<_> = drafts.iter().map(|draft| &draft.event).collect();
        events::insert_many(tx, &log).await?;
        for end in drafts.iter().flat_map(|draft| &draft.ends) {
            end.apply(tx).await?;
        }
        Ok(())
    }

    /// Step 1: pending rows in `keys`.
    pub(super) async fn claim(&self, oubli: &Oubli) -> Result<()> {
        let draft = self.clone();
        oubli
            .keys()
            .write("subjects.claim", move |tx| {
                let draft = draft.clone();
                Box::pin(async move { Self::insert_claims(tx, std::slice::from_ref(&draft)).await })
            })
            .await
            .map_err(Error::from)
    }

    /// Whether one of the identifiers has an owner; see [`clear_the_way`].
    pub(super) async fn is_taken(&self, oubli: &Oubli, attempt: u32) -> Result<bool> {
        for (index, _) in &self.indexes {
            if clear_the_way(oubli, &self.app, index, attempt).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Steps 2 and 3. None when the claim was taken over meanwhile.
    pub(super) async fn keep(&self, oubli: &Oubli, call: &Call) -> Result<Option<Created>> {
        let answer = Created { subject: self.subject, created: true, created_at: self.at };
        let (draft, subject, claim) = (self.clone(), self.subject, self.claim);
        let written = oubli
            .write_once("subjects.create", call, Some(subject), Answer::Repeatable, move |tx| {
                let draft = draft.clone();
                Box::pin(async move {
                    apps::hold(tx, &draft.app).await?;
                    Self::insert(tx, std::slice::from_ref(&draft)).await.map(|()| answer)
                })
            })
            .await;
        match written {
            Ok(created) if created.subject == subject => {
                claims::make_live_or_leave(oubli, &self.app, subject, claim).await;
                Ok(Some(created))
            }
            // A repeat that ran beside the first call: the first one's subject stands.
            Ok(earlier) => {
                claims::settle_or_leave(oubli, &self.app, subject, claim).await;
                Ok(Some(earlier))
            }
            Err(Error::Store(StoreError::Duplicate { .. })) => Ok(None),
            Err(error) => {
                claims::settle_or_leave(oubli, &self.app, subject, claim).await;
                Err(error)
            }
        }
    }
}
