//! Creating a subject, alone or if it is not there yet.

use oubli_domain::identifier::{IdentifierType, NormalisedIdentifier, normalise};
use oubli_domain::import_line::EndedPurpose;
use oubli_domain::{AppId, ClaimId, Code, IdentifierId, Pii, Refusal, SubjectId, Time};
use oubli_store::events::NewEvent;
use oubli_store::identifiers::SealedIdentifier;
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};
use oubli_store::keys::key_sets;
use oubli_store::keys::subject_keys::{self, WrappedDataKey};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, events, identifiers, subjects};
use oubli_vault::{DataKey, Label};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::claims::{self, ATTEMPTS, clear_the_way};
use super::identifiers::add_normalised;
use super::resolve::find_owner;
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::model::Model;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::purposes::ImportedEnd;

/// The most identifiers that one call may bring.
const MAX_IDENTIFIERS: usize = 20;

/// An identifier as a caller sends it.
#[derive(Clone, Debug)]
pub struct NewIdentifier {
    /// What kind of value.
    pub kind: IdentifierType,
    /// The value, as typed.
    pub value: Pii<String>,
}

/// A subject that was created, or was there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Created {
    /// Its id.
    pub subject: SubjectId,
    /// Whether this call created it.
    pub created: bool,
    /// When it was created.
    pub created_at: Time,
}

/// An identifier ready to be stored.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) raw: NewIdentifier,
    pub(crate) normal: NormalisedIdentifier,
}

/// Creates a subject with these identifiers, which may be none.
///
/// # Errors
/// `invalid-identifier` with the place of each wrong one; `identifier-taken` when one belongs to
/// another subject of the app.
pub async fn create(oubli: &Oubli, call: &Call, new: Vec<NewIdentifier>) -> Result<Created> {
    let prepared = prepare(oubli, &call.caller.app, new).await?;
    match create_or_find(oubli, call, &prepared).await? {
        Outcome::Done(created) => Ok(created),
        Outcome::Taken => Err(Code::IdentifierTaken.into()),
    }
}

/// Gives the subject that has these identifiers: the one that is there, with the missing ones
/// added, or a new one.
///
/// # Errors
/// As [`create`], and `identifiers-disagree` when they belong to different subjects.
pub async fn ensure(oubli: &Oubli, call: &Call, new: Vec<NewIdentifier>) -> Result<Created> {
    let app = &call.caller.app;
    if new.is_empty() {
        return Err(Refusal::new(Code::InvalidBody).at("/identifiers", "must not be empty").into());
    }
    if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
        return Ok(earlier);
    }
    let prepared = prepare(oubli, app, new).await?;
    for _ in 0..ATTEMPTS {
        let mut missing = Vec::new();
        let mut owner: Option<SubjectId> = None;
        for identifier in &prepared {
            match find_owner(oubli, app, &identifier.normal).await? {
                None => missing.push(identifier),
                Some(found) if owner.is_some_and(|o| o != found.subject) => {
                    return Err(Code::IdentifiersDisagree.into());
                }
                Some(found) => owner = Some(found.subject),
            }
        }
        match owner {
            Some(subject) => match complete(oubli, call, subject, &missing).await {
                // Somebody gave the missing one to a subject meanwhile: look again.
                Err(Error::Refused(refusal)) if refusal.code == Code::IdentifierTaken => {}
                result => return result,
            },
            None => match create_or_find(oubli, call, &prepared).await? {
                Outcome::Done(created) => return Ok(created),
                // Somebody created it meanwhile: look again.
                Outcome::Taken => {}
            },
        }
    }
    Err(Code::Unavailable.into())
}

/// Adds to a subject what it lacks.
async fn complete(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    missing: &[&Prepared],
) -> Result<Created> {
    let app = &call.caller.app;
    let row = subjects::require(&mut oubli.data().conn().await?, app, subject).await?;
    // The key of the call stays with the caller's own answer; each addition is a step of it.
    let step = Call { caller: call.caller.clone(), once: None };
    for identifier in missing {
        add_normalised(oubli, &step, subject, (*identifier).clone()).await?;
    }
    let answer = Created { subject, created: false, created_at: row.created_at };
    if call.once.is_none() {
        return Ok(answer);
    }
    let app = app.clone();
    oubli
        .write_once("subjects.ensure", call, Some(subject), Answer::Repeatable, move |tx| {
            let app = app.clone();
            Box::pin(async move { subjects::lock(tx, &app, subject).await.map(|_| answer) })
        })
        .await
}

async fn prepare(oubli: &Oubli, app: &AppId, new: Vec<NewIdentifier>) -> Result<Vec<Prepared>> {
    let model = oubli.model(&mut oubli.data().conn().await?, app).await?;
    Ok(prepare_for(&model, new)?)
}

/// Normalises the identifiers of one subject.
///
/// # Errors
/// `invalid-body` for too many; `invalid-identifier` with the place of each wrong one.
pub(crate) fn prepare_for(
    model: &Model,
    new: Vec<NewIdentifier>,
) -> Result<Vec<Prepared>, Refusal> {
    if new.len() > MAX_IDENTIFIERS {
        return Err(Refusal::new(Code::InvalidBody).at("/identifiers", "must be 20 at most"));
    }
    let mut refusal = Refusal::new(Code::InvalidIdentifier);
    let mut prepared: Vec<Prepared> = Vec::with_capacity(new.len());
    for (n, raw) in new.into_iter().enumerate() {
        let pointer = format!("/identifiers/{n}/value");
        match normalise(raw.kind, raw.value.expose(), model.country()) {
            Ok(normal) if prepared.iter().any(|p| p.normal == normal) => {
                refusal = refusal.at(pointer, "is in the list twice");
            }
            Ok(normal) => prepared.push(Prepared { raw, normal }),
            Err(_) => refusal = refusal.at(pointer, "is not valid for its type"),
        }
    }
    if refusal.errors.is_empty() { Ok(prepared) } else { Err(refusal) }
}

enum Outcome {
    Done(Created),
    /// One of the identifiers belongs to another subject.
    Taken,
}

/// One attempt after another until the subject is there or somebody else has an identifier.
async fn create_or_find(oubli: &Oubli, call: &Call, new: &[Prepared]) -> Result<Outcome> {
    for attempt in 0..ATTEMPTS {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(Outcome::Done(earlier));
        }
        let draft = Draft::new(oubli, call, new).await?;
        match draft.claim(oubli).await {
            Ok(()) => {
                if let Some(created) = draft.keep(oubli, call).await? {
                    return Ok(Outcome::Done(created));
                }
            }
            Err(Error::Store(StoreError::Stale)) => {
                draft.outdate(oubli);
            }
            Err(Error::Store(StoreError::Duplicate { .. })) => {
                if draft.is_taken(oubli, attempt).await? {
                    // The owner may be this very call's first attempt, seen by a repeat of it.
                    return Ok(match oubli.earlier_answer(call, oubli.now()).await? {
                        Some(earlier) => Outcome::Done(earlier),
                        None => Outcome::Taken,
                    });
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(Code::Unavailable.into())
}

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
        Self::since(oubli, call, new, None).await
    }

    /// The same for one that an import brings.
    pub(crate) async fn since(
        oubli: &Oubli,
        call: &Call,
        new: &[Prepared],
        imported: Option<&Past>,
    ) -> Result<Self> {
        let (app, at) = (call.caller.app.clone(), oubli.now());
        let (subject, claim) = (SubjectId::fresh(at), ClaimId::fresh(at));
        let app_keys = oubli.keyring().app(&app).await?;
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
        let event = entry.event(&app, &call.caller.actor, at, "subject.created");
        let (created_at, last_contact) =
            imported.map_or((at, at), |past| (past.created_at, past.last_contact));
        let ended = imported.iter().flat_map(|past| &past.ended);
        let ends = ended.map(|end| ImportedEnd::new(&call.caller, subject, &data_key, end, at));
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

    /// Writes the pending rows, in a transaction of `keys`.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the keys are not in force any more; see [`Draft::outdate`].
    pub(crate) async fn insert_claim(&self, tx: &mut Tx) -> StoreResult<()> {
        let (subject, claim, created_at) = (self.subject, self.claim, self.at);
        let held = key_sets::hold(tx, &self.app, self.revision).await?;
        subject_keys::insert(tx, &held, &self.key, created_at).await?;
        for (index, identifier) in &self.indexes {
            let identifier = *identifier;
            let owner = Owner { subject, identifier, claim, live: false, created_at };
            blind_indexes::insert(tx, &held, index, &owner).await?;
        }
        Ok(())
    }

    /// Keeps the claim and writes the subject, in a transaction of `data`.
    pub(crate) async fn insert(&self, tx: &mut Tx) -> StoreResult<()> {
        let (app, subject) = (&self.app, self.subject);
        oubli_store::claims::keep(tx, app, self.claim, subject, self.at).await?;
        subjects::insert_since(tx, app, subject, self.created_at, self.last_contact).await?;
        for identifier in &self.sealed {
            identifiers::insert(tx, app, subject, identifier).await?;
        }
        events::insert(tx, &self.event).await?;
        for end in &self.ends {
            end.apply(tx).await?;
        }
        Ok(())
    }

    /// Step 1: pending rows in `keys`.
    async fn claim(&self, oubli: &Oubli) -> Result<()> {
        let draft = self.clone();
        oubli
            .keys()
            .write("subjects.claim", move |tx| {
                let draft = draft.clone();
                Box::pin(async move { draft.insert_claim(tx).await })
            })
            .await
            .map_err(Error::from)
    }

    /// Whether one of the identifiers has an owner; see [`clear_the_way`].
    async fn is_taken(&self, oubli: &Oubli, attempt: u32) -> Result<bool> {
        for (index, _) in &self.indexes {
            if clear_the_way(oubli, &self.app, index, attempt).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Steps 2 and 3. None when the claim was taken over meanwhile.
    async fn keep(&self, oubli: &Oubli, call: &Call) -> Result<Option<Created>> {
        let answer = Created { subject: self.subject, created: true, created_at: self.at };
        let (draft, subject, claim) = (self.clone(), self.subject, self.claim);
        let written = oubli
            .write_once("subjects.create", call, Some(subject), Answer::Repeatable, move |tx| {
                let draft = draft.clone();
                Box::pin(async move {
                    apps::hold(tx, &draft.app).await?;
                    draft.insert(tx).await.map(|()| answer)
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

/// Encrypts an identifier as typed.
pub(super) fn seal(key: &DataKey, raw: &NewIdentifier, at: Time) -> Result<SealedIdentifier> {
    let identifier = IdentifierId::fresh(at);
    let id = identifier.to_string();
    let context = key.context(Label::Identifier, raw.kind.as_str(), &id, "");
    let sealed = key.seal(&context, raw.value.expose().as_bytes())?;
    Ok(SealedIdentifier { identifier, kind: raw.kind, sealed, created_at: at })
}

/// Decrypts an identifier as typed.
///
/// # Errors
/// When a ciphertext does not belong where it stands.
pub(crate) fn open_identifier(key: &DataKey, row: &SealedIdentifier) -> Result<Pii<String>> {
    let id = row.identifier.to_string();
    let context = key.context(Label::Identifier, row.kind.as_str(), &id, "");
    let value = key.open(&context, &row.sealed)?;
    let text = std::str::from_utf8(&value).map_err(|_| Error::Damaged("identifiers.sealed"))?;
    Ok(Pii::new(text.to_owned()))
}
