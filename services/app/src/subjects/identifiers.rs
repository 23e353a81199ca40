//! Adding an identifier to a subject, and removing one.

use oubli_domain::identifier::normalise;
use oubli_domain::{AppId, ClaimId, Code, IdentifierId, IdentifierType, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::identifiers::SealedIdentifier;
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};
use oubli_store::keys::key_sets;
use oubli_store::{StoreError, events, identifiers, subjects};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::claims::{self, ATTEMPTS, clear_the_way};
use super::create::{NewIdentifier, Prepared, seal};
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::holds;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// An identifier that was added, or was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Added {
    /// Its id.
    pub identifier: IdentifierId,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: IdentifierType,
    /// When it was added.
    pub created_at: Time,
}

/// Adds an identifier to a subject.
///
/// # Errors
/// `invalid-identifier`; `identifier-taken` when it belongs to a subject, this one included;
/// `subject-not-found`, `subject-erasing`.
pub async fn add(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    new: NewIdentifier,
) -> Result<Added> {
    let mut conn = oubli.data().conn().await?;
    let model = oubli.model(&mut conn, &call.caller.app).await?;
    subjects::require(&mut conn, &call.caller.app, subject).await?;
    drop(conn);
    let normal = normalise(new.kind, new.value.expose(), model.country())?;
    add_normalised(oubli, call, subject, Prepared { raw: new, normal }).await
}

/// One attempt after another until the identifier is added or turns out to be somebody's.
pub(crate) async fn add_normalised(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    new: Prepared,
) -> Result<Added> {
    for attempt in 0..ATTEMPTS {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let draft = Draft::new(oubli, call, subject, &new).await?;
        match draft.claim(oubli).await {
            Ok(()) => {
                if let Some(added) = draft.keep(oubli, call).await? {
                    return Ok(added);
                }
            }
            Err(Error::Store(StoreError::Stale)) => {
                oubli.keyring().outdate(&draft.app, draft.revision);
            }
            Err(Error::Store(StoreError::Duplicate { .. })) => {
                if draft.is_taken(oubli, attempt).await? {
                    // The owner may be this very call's first attempt, seen by a repeat of it.
                    let earlier = oubli.earlier_answer(call, oubli.now()).await?;
                    return earlier.ok_or_else(|| Code::IdentifierTaken.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(Code::Unavailable.into())
}

/// An identifier as it is about to be written.
struct Draft {
    app: AppId,
    /// The revision of the app's keys that `indexes` were made under.
    revision: i64,
    indexes: Vec<BlindIndex>,
    owner: Owner,
    sealed: SealedIdentifier,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, subject: SubjectId, new: &Prepared) -> Result<Self> {
        let (app, at) = (call.caller.app.clone(), oubli.now());
        let key = oubli.keyring().data_key(&app, subject).await?;
        let sealed = seal(&key, &new.raw, at)?;
        let app_keys = oubli.keyring().app(&app).await?;
        let (revision, indexes) = (app_keys.revision(), app_keys.blind_indexes(&new.normal)?);
        let (identifier, claim) = (sealed.identifier, ClaimId::fresh(at));
        let event = Entry::about(subject, &key)
            .payload(json!({ "identifier": identifier, "type": sealed.kind }))
            .event(&app, &call.caller.actor, at, "identifier.added");
        let owner = Owner { subject, identifier, claim, live: false, created_at: at };
        Ok(Self { app, revision, indexes, owner, sealed, event })
    }

    /// Step 1 of the claim protocol: a pending row in `keys`, for a person who may still get one.
    async fn claim(&self, oubli: &Oubli) -> Result<()> {
        let (app, indexes, owner) = (self.app.clone(), self.indexes.clone(), self.owner);
        let revision = self.revision;
        subjects::require(&mut oubli.data().conn().await?, &app, owner.subject).await?;
        oubli
            .keys()
            .write("identifiers.claim", move |tx| {
                let (app, indexes) = (app.clone(), indexes.clone());
                Box::pin(async move {
                    let held = key_sets::hold(tx, &app, revision).await?;
                    for index in &indexes {
                        blind_indexes::insert(tx, &held, index, &owner).await?;
                    }
                    Ok(())
                })
            })
            .await
            .map_err(Error::from)
    }

    /// Whether the identifier has an owner; see [`clear_the_way`].
    async fn is_taken(&self, oubli: &Oubli, attempt: u32) -> Result<bool> {
        for index in &self.indexes {
            if clear_the_way(oubli, &self.app, index, attempt).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Steps 2 and 3. None when the claim was taken over meanwhile.
    async fn keep(&self, oubli: &Oubli, call: &Call) -> Result<Option<Added>> {
        let Owner { subject, identifier, claim, created_at: at, .. } = self.owner;
        let answer = Added { identifier, kind: self.sealed.kind, created_at: at };
        let (app, sealed, event) = (self.app.clone(), self.sealed.clone(), self.event.clone());
        let written = oubli
            .write_once("identifiers.add", call, Some(subject), Answer::Repeatable, move |tx| {
                let (app, sealed, event) = (app.clone(), sealed.clone(), event.clone());
                Box::pin(async move {
                    subjects::lock(tx, &app, subject).await?;
                    oubli_store::claims::keep(tx, &app, claim, subject, at).await?;
                    identifiers::insert(tx, &app, subject, &sealed).await?;
                    events::insert(tx, &event).await?;
                    Ok(answer)
                })
            })
            .await;
        match written {
            Ok(added) if added.identifier == identifier => {
                claims::make_live_or_leave(oubli, &self.app, subject, claim).await;
                Ok(Some(added))
            }
            Err(Error::Store(StoreError::Duplicate { .. })) => Ok(None),
            // Refused, or a repeat that ran beside the first call: nothing stays pending.
            written => {
                claims::settle_or_leave(oubli, &self.app, subject, claim).await;
                written.map(Some)
            }
        }
    }
}

/// Removes an identifier from a subject: it finds nobody from now on and may be given anew.
///
/// # Errors
/// `identifier-not-found`, `subject-not-found`, `subject-erasing`; `held` where a hold stands on the
/// person as a whole.
pub async fn remove(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<()> {
    let removed = try_remove(oubli, call, subject, identifier).await;
    oubli.or_earlier(call, removed).await
}

async fn try_remove(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<()> {
    let (app, at) = (call.caller.app.clone(), oubli.now());
    let mut conn = oubli.data().snapshot().await?;
    let row = subjects::require(&mut conn, &app, subject).await?;
    holds::require_none(&mut conn, &app, &row).await?;
    let known = identifiers::list(&mut conn, &app, subject).await?;
    drop(conn);
    if let Some(earlier) = oubli.earlier_answer(call, at).await? {
        return Ok(earlier);
    }
    if known.iter().all(|i| i.identifier != identifier) {
        return Err(Code::IdentifierNotFound.into());
    }
    // From here on `data` says whether the index counts: a process that dies in between leaves
    // nothing that finds the person by what was removed, and the janitor ends the work.
    let of = app.clone();
    oubli
        .keys()
        .write("identifiers.pending", move |tx| {
            let app = of.clone();
            Box::pin(
                async move { blind_indexes::make_pending(tx, &app, subject, identifier, at).await },
            )
        })
        .await?;
    let key = oubli.keyring().data_key(&app, subject).await?;
    let event = Entry::about(subject, &key).payload(json!({ "identifier": identifier })).event(
        &app,
        &call.caller.actor,
        at,
        "identifier.removed",
    );
    let of = app.clone();
    oubli
        .write_once("identifiers.remove", call, Some(subject), Answer::Repeatable, move |tx| {
            let (app, event) = (of.clone(), event.clone());
            Box::pin(async move {
                let locked = subjects::lock(tx, &app, subject).await?;
                holds::require_none(tx, &app, &locked).await?;
                if !identifiers::delete(tx, &app, subject, identifier).await? {
                    return Err(StoreError::Refused(Code::IdentifierNotFound.into()));
                }
                events::insert(tx, &event).await
            })
        })
        .await?;
    if let Err(error) = claims::unindex(oubli, &app, subject, identifier).await {
        tracing::warn!(error = %error, "the index of a removed identifier is left to the janitor");
    }
    Ok(())
}
