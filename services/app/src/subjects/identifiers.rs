//! Adding an identifier to a subject, and removing one.

use oubli_domain::identifier::normalise;
use oubli_domain::{ClaimId, Code, IdentifierId, IdentifierType, SubjectId, Time};
use oubli_store::keys::blind_indexes::{self, Owner};
use oubli_store::{StoreError, events, identifiers, subjects};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::claims;
use super::create::{NewIdentifier, Prepared, seal};
use super::resolve::occupant;
use crate::caller::Call;
use crate::error::{Error, Result};
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

pub(super) async fn add_normalised(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    new: Prepared,
) -> Result<Added> {
    if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
        return Ok(earlier);
    }
    let (app, at) = (call.caller.app.clone(), oubli.now());
    let claim = ClaimId::fresh(at);
    let key = oubli.keyring().data_key(&app, subject).await?;
    let sealed = seal(&key, &new.raw, at)?;
    let index = oubli.keyring().app(&app).await?.blind_index(&new.normal)?;
    let owner =
        Owner { subject, identifier: sealed.identifier, claim, live: false, created_at: at };
    claim_index(oubli, &app, index, owner).await?;

    let event = Entry::about(subject, &key)
        .payload(json!({ "identifier": sealed.identifier, "type": sealed.kind }))
        .event(&app, &call.caller.actor, at, "identifier.added");
    let answer = Added { identifier: sealed.identifier, kind: sealed.kind, created_at: at };
    let of = app.clone();
    let written = oubli
        .write_once("identifiers.add", call, Some(subject), Answer::Repeatable, move |tx| {
            let (app, sealed, event) = (of.clone(), sealed.clone(), event.clone());
            Box::pin(async move {
                subjects::lock(tx, &app, subject).await?;
                oubli_store::claims::keep(tx, &app, claim, subject, at).await?;
                identifiers::insert(tx, &app, subject, &sealed).await?;
                events::insert(tx, &event).await?;
                Ok(answer)
            })
        })
        .await;
    // Kept, refused or a repeat: either way nothing stays pending.
    claims::settle(oubli, &app, subject, claim).await?;
    written
}

/// Claims a blind index; a claim that its owner never kept is taken over.
async fn claim_index(
    oubli: &Oubli,
    app: &oubli_domain::AppId,
    index: blind_indexes::BlindIndex,
    owner: Owner,
) -> Result<()> {
    for _ in 0..2 {
        let (of, wanted) = (app.clone(), index.clone());
        let claimed = oubli
            .keys()
            .write("identifiers.claim", move |tx| {
                let (app, index) = (of.clone(), wanted.clone());
                Box::pin(async move { blind_indexes::insert(tx, &app, &index, &owner).await })
            })
            .await;
        match claimed {
            Err(StoreError::Duplicate { .. }) => {}
            other => return other.map_err(Error::from),
        }
        match occupant(oubli, app, &index).await? {
            Some(found) if found.live => break,
            Some(found) => drop(claims::settle(oubli, app, found.subject, found.claim).await?),
            None => {}
        }
    }
    Err(Code::IdentifierTaken.into())
}

/// Removes an identifier from a subject: it finds nobody from now on and may be given anew.
///
/// # Errors
/// `identifier-not-found`, `subject-not-found`, `subject-erasing`.
pub async fn remove(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    identifier: IdentifierId,
) -> Result<()> {
    let (app, at) = (call.caller.app.clone(), oubli.now());
    let mut conn = oubli.data().snapshot().await?;
    subjects::require(&mut conn, &app, subject).await?;
    let known = identifiers::list(&mut conn, &app, subject).await?;
    drop(conn);
    if let Some(earlier) = oubli.earlier_answer(call, at).await? {
        return Ok(earlier);
    }
    if known.iter().all(|i| i.identifier != identifier) {
        return Err(Code::IdentifierNotFound.into());
    }
    // The index goes first: a process that dies here leaves a row that finds nobody, and the
    // repeated call ends the work.
    let of = app.clone();
    oubli
        .keys()
        .write("identifiers.unindex", move |tx| {
            let app = of.clone();
            Box::pin(async move {
                blind_indexes::delete_identifier(tx, &app, subject, identifier).await
            })
        })
        .await?;
    let key = oubli.keyring().data_key(&app, subject).await?;
    let event = Entry::about(subject, &key).payload(json!({ "identifier": identifier })).event(
        &app,
        &call.caller.actor,
        at,
        "identifier.removed",
    );
    oubli
        .write_once("identifiers.remove", call, Some(subject), Answer::Repeatable, move |tx| {
            let (app, event) = (app.clone(), event.clone());
            Box::pin(async move {
                subjects::lock(tx, &app, subject).await?;
                if !identifiers::delete(tx, &app, subject, identifier).await? {
                    return Err(StoreError::Refused(Code::IdentifierNotFound.into()));
                }
                events::insert(tx, &event).await
            })
        })
        .await
}
