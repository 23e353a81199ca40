//! Creating a subject, alone or if it is not there yet.

use oubli_domain::identifier::{IdentifierType, NormalisedIdentifier, normalise};
use oubli_domain::{AppId, Code, IdentifierId, Pii, Refusal, SubjectId, Time};
use oubli_store::identifiers::SealedIdentifier;
use oubli_store::{StoreError, subjects};
use oubli_vault::{DataKey, Label};
use serde::{Deserialize, Serialize};

use super::claims::ATTEMPTS;
use super::draft::Draft;
use super::identifiers::add_normalised;
use super::resolve::find_owner;
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::once::Answer;
use crate::oubli::Oubli;

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
