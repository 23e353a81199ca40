//! Contact that comes from the person: retention may count from it.

use std::collections::BTreeMap;

use oubli_domain::{AppId, Code, Day, Name, Refusal, SubjectId, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::{Result as StoreResult, StoreError, Tx, apps, records, subjects};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// The last contact that is on record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// When it was.
    pub last_contact: Time,
}

/// Records that the person made contact at `at`, or now. The last contact never moves back: an
/// earlier one changes nothing. Records whose retention counts from the last contact count from the
/// new one.
///
/// Its transaction writes every record of the person in those categories, which may be more than
/// the usual bound of 1,000 rows: a record must not count from a contact that is no longer the last.
///
/// # Errors
/// `future-time`; `subject-not-found`, `subject-erasing`.
pub async fn contact(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    at: Option<Time>,
) -> Result<Contact> {
    if at.is_some_and(|at| at > oubli.now()) {
        return Err(Refusal::new(Code::FutureTime).at("/at", "must not lie in the future").into());
    }
    retry_stale(|| async {
        if let Some(earlier) = oubli.earlier_answer(call, oubli.now()).await? {
            return Ok(earlier);
        }
        let draft = Draft::new(oubli, call, subject, at).await?;
        oubli
            .write_once("subjects.contact", call, Some(subject), Answer::Repeatable, move |tx| {
                let draft = draft.clone();
                Box::pin(async move { draft.apply(tx).await })
            })
            .await
    })
    .await
}

/// A contact that only needs its transaction.
#[derive(Clone, Debug)]
struct Draft {
    app: AppId,
    subject: SubjectId,
    at: Time,
    /// The version of the data map that says which records count from it, and from which day.
    map: i64,
    starts: BTreeMap<Name, Day>,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, subject: SubjectId, at: Option<Time>) -> Result<Self> {
        let (app, now) = (call.caller.app.clone(), oubli.now());
        let mut conn = oubli.data().snapshot().await?;
        let model = oubli.model(&mut conn, &app).await?;
        subjects::require(&mut conn, &app, subject).await?;
        drop(conn);
        let at = at.unwrap_or(now);
        let starts = match model.map() {
            Ok(map) => map.clock_starts_of_contact(at)?,
            // Before the first data map there are no records.
            Err(_) => BTreeMap::new(),
        };
        let key = oubli.keyring().data_key(&app, subject).await?;
        let event = Entry::about(subject, &key).payload(json!({ "at": at })).event(
            &app,
            &call.caller.actor,
            now,
            "subject.contacted",
        );
        Ok(Self { app, subject, at, map: model.app.data_map_version, starts, event })
    }

    /// # Errors
    /// [`StoreError::Stale`] when another data map is in force by now.
    async fn apply(&self, tx: &mut Tx) -> StoreResult<Contact> {
        let (app, subject) = (&self.app, self.subject);
        let row = subjects::lock_alone(tx, app, subject).await?;
        if self.at <= row.last_contact {
            return Ok(Contact { last_contact: row.last_contact });
        }
        if apps::get(tx, app).await?.is_none_or(|app| app.data_map_version != self.map) {
            return Err(StoreError::Stale);
        }
        subjects::set_last_contact(tx, app, subject, self.at).await?;
        for (category, day) in &self.starts {
            records::set_clock_start(tx, app, subject, category, *day).await?;
        }
        events::insert(tx, &self.event).await?;
        Ok(Contact { last_contact: self.at })
    }
}
