//! Ending a purpose for one person: a contract that is over no longer makes processing lawful
//! (Art. 6(1)(b)). Other bases end otherwise: by a withdrawal, an objection, a new data map.

use oubli_domain::data_map::LawfulBasis;
use oubli_domain::import_line::EndedPurpose;
use oubli_domain::{Code, Name, SubjectId, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::{Result as StoreResult, StoreError, Tx, purpose_ends, subjects};
use oubli_vault::DataKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::{Call, Caller};
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;

/// A purpose that has ended for a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ended {
    /// The purpose.
    pub purpose: Name,
    /// Since when.
    pub ended_at: Time,
}

/// Ends a purpose for a person: from the answer on it does not hold. Ending it again changes
/// nothing and gives the time of the first end. A restriction does not stand against it: it only
/// takes away.
///
/// # Errors
/// `data-map-not-found`, `purpose-not-found`; `purpose-not-contract`; `subject-not-found`,
/// `subject-erasing`.
pub async fn end(oubli: &Oubli, call: &Call, subject: SubjectId, purpose: &Name) -> Result<Ended> {
    if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
        return Ok(earlier);
    }
    require_contract(oubli, call, subject, purpose).await?;
    let (app, actor, at) = (call.caller.app.clone(), call.caller.actor.clone(), oubli.now());
    let key = oubli.keyring().data_key(&app, subject).await?;
    let event = Entry::about(subject, &key).payload(json!({ "purpose": purpose })).event(
        &app,
        &actor,
        at,
        "purpose.ended",
    );
    let purpose = purpose.clone();
    oubli
        .write_once("purposes.end", call, Some(subject), Answer::Repeatable, move |tx| {
            let (app, purpose, event) = (app.clone(), purpose.clone(), event.clone());
            let actor = actor.to_string();
            Box::pin(async move {
                subjects::lock(tx, &app, subject).await?;
                let new = purpose_ends::insert(tx, &app, subject, &purpose, at, &actor).await?;
                let ended_at = if new {
                    events::insert(tx, &event).await?;
                    at
                } else {
                    let first = purpose_ends::get(tx, &app, subject, &purpose).await?;
                    first.ok_or(StoreError::Contention)?
                };
                Ok(Ended { purpose, ended_at })
            })
        })
        .await
}

/// The end of a purpose that an import brings, with what the log says of it.
#[derive(Clone, Debug)]
pub(crate) struct ImportedEnd {
    subject: SubjectId,
    ended: EndedPurpose,
    event: NewEvent,
}

impl ImportedEnd {
    /// Makes everything that is written, for a person with this key.
    pub(crate) fn new(
        caller: &Caller,
        subject: SubjectId,
        key: &DataKey,
        ended: &EndedPurpose,
        now: Time,
    ) -> Self {
        let payload = json!({ "purpose": ended.purpose });
        let entry = Entry::about(subject, key).payload(payload).reason("import");
        let event = entry.event(&caller.app, &caller.actor, now, "purpose.ended");
        Self { subject, ended: ended.clone(), event }
    }

    /// Writes it for a person who is locked or was made in this transaction. Where the purpose has
    /// ended already, nothing changes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn apply(&self, tx: &mut Tx) -> StoreResult<()> {
        let EndedPurpose { purpose, ended_at } = &self.ended;
        let (app, actor) = (&self.event.app, &self.event.actor);
        if purpose_ends::insert(tx, app, self.subject, purpose, *ended_at, actor).await? {
            events::insert(tx, &self.event).await?;
        }
        Ok(())
    }
}

/// Takes the end of a purpose back. Where there is none, nothing changes.
///
/// # Errors
/// As [`end`], and `subject-restricted`: while a restriction stands, nothing more may be done with
/// the person's data than before (Art. 18(2)).
pub async fn resume(oubli: &Oubli, call: &Call, subject: SubjectId, purpose: &Name) -> Result<()> {
    if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
        return Ok(earlier);
    }
    require_contract(oubli, call, subject, purpose).await?;
    let (app, at) = (call.caller.app.clone(), oubli.now());
    let key = oubli.keyring().data_key(&app, subject).await?;
    let event = Entry::about(subject, &key).payload(json!({ "purpose": purpose })).event(
        &app,
        &call.caller.actor,
        at,
        "purpose.resumed",
    );
    let purpose = purpose.clone();
    oubli
        .write_once("purposes.resume", call, Some(subject), Answer::Repeatable, move |tx| {
            let (app, purpose, event) = (app.clone(), purpose.clone(), event.clone());
            Box::pin(async move {
                subjects::writable(Some(subjects::lock(tx, &app, subject).await?))?;
                if purpose_ends::delete(tx, &app, subject, &purpose).await? {
                    events::insert(tx, &event).await?;
                }
                Ok(())
            })
        })
        .await
}

/// Refuses unless the subject is there and the purpose in force rests on a contract with it.
async fn require_contract(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    purpose: &Name,
) -> Result<()> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &call.caller.app).await?;
    let declared = model.in_force(purpose)?;
    subjects::require(&mut conn, &call.caller.app, subject).await?;
    match declared.lawful_basis {
        LawfulBasis::Contract => Ok(()),
        _ => Err(Code::PurposeNotContract.into()),
    }
}
