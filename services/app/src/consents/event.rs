//! One consent event: what a caller says, what is prepared of it, and how it is written.

use std::sync::Arc;

use oubli_domain::consent::{Action, ConsentEvent, Language, Latest, Signals, next_occurred_at};
use oubli_domain::request::SubjectState;
use oubli_domain::{AppId, Code, EventId, Name, Refusal, SubjectId, Time};
use oubli_store::consents::{StoredEvent, StoredSignals};
use oubli_store::events::{self, NewEvent};
use oubli_store::subjects::Subject;
use oubli_store::{Result as StoreResult, StoreError, Tx, consents, subjects};
use oubli_vault::DataKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::shown::Facts;
use super::signals;
use crate::caller::Caller;
use crate::error::Result;
use crate::log::Entry;

/// An id that a caller gives an event, so that sending it again is recognised: 1 to 128 visible
/// ASCII characters. It counts for one subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallerId(String);

impl CallerId {
    /// Checks the form.
    ///
    /// # Errors
    /// `invalid-id` unless it has 1 to 128 visible ASCII characters.
    pub fn new(text: impl Into<String>) -> Result<Self, Refusal> {
        let text = text.into();
        let visible = text.bytes().all(|b| b.is_ascii_graphic());
        if (1..=128).contains(&text.len()) && visible {
            return Ok(Self(text));
        }
        Err(Refusal::new(Code::InvalidId).detail("It has 1 to 128 visible ASCII characters."))
    }
}

/// What a caller says of one event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewConsent {
    /// The purpose it is about.
    pub purpose: Name,
    /// What the person did.
    pub action: Action,
    /// The version of the purpose's notice that the person was shown; needed for a grant.
    pub notice_version: Option<u32>,
    /// The language it was shown in; needed with the version.
    pub language: Option<Language>,
    /// The caller's own id of the event.
    pub id: Option<CallerId>,
    /// What a browser or a consent platform said, kept as it came.
    pub signals: Signals,
}

/// An event that was recorded, by this call or an earlier one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// Its id.
    pub event: EventId,
    /// When it occurred: given by the service, and later than the last event of the same subject
    /// and purpose.
    pub occurred_at: Time,
    /// Whether an earlier call recorded it under the same caller id.
    pub repeated: bool,
}

/// An event that only needs its transaction. It may be applied more than once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    app: AppId,
    pub(crate) subject: SubjectId,
    new: NewConsent,
    /// What is wrong with it only counts once it is known not to be a repeat.
    facts: Result<Facts, Refusal>,
    id: EventId,
    signals: StoredSignals,
    /// Opens the signals of the event that this may be a repeat of.
    key: Arc<DataKey>,
    at: Time,
    /// When it occurred, where the caller says so: in an import alone.
    occurred_at: Option<Time>,
    actor: String,
    log: NewEvent,
}

impl Prepared {
    /// An event that occurs now, or occurred in the past where an import says when.
    ///
    /// # Errors
    /// When the signals cannot be sealed.
    pub(super) fn new(
        caller: &Caller,
        subject: SubjectId,
        key: Arc<DataKey>,
        new: &NewConsent,
        facts: Result<Facts, Refusal>,
        now: Time,
        occurred_at: Option<Time>,
    ) -> Result<Self> {
        let id = EventId::fresh(now);
        let signals = signals::seal(&key, id, &new.signals)?;
        let kind = match new.action {
            Action::Granted => "consent.granted",
            Action::Refused => "consent.refused",
            Action::Withdrawn => "consent.withdrawn",
        };
        let shown = facts.as_ref().ok().and_then(|facts| facts.shown.as_ref());
        let payload = json!({ "consent_event": id, "purpose": new.purpose, "shown": shown });
        let entry = Entry::about(subject, &key).payload(payload);
        let entry = if occurred_at.is_some() { entry.reason("import") } else { entry };
        let log = entry.event(&caller.app, &caller.actor, now, kind);
        let (app, actor) = (caller.app.clone(), caller.actor.to_string());
        let new = new.clone();
        Ok(Self { app, subject, new, facts, id, signals, key, at: now, occurred_at, actor, log })
    }

    /// Locks the subject and records the event, or finds that it was recorded. Nothing is written
    /// when it is refused.
    ///
    /// # Errors
    /// `subject-not-found`, `subject-erasing`; `subject-restricted` for a grant; `unknown-purpose`;
    /// `invalid-consent`. [`StoreError::Stale`] when another transaction was first with its id.
    pub(crate) async fn apply(&self, tx: &mut Tx) -> StoreResult<Recorded> {
        let subject = subjects::lock(tx, &self.app, self.subject).await?;
        if let Some(CallerId(id)) = &self.new.id
            && let Some(first) = consents::by_caller_id(tx, &self.app, self.subject, id).await?
        {
            return self.repeat_of(&first);
        }
        let latest = consents::latest(tx, &self.app, self.subject, &self.new.purpose).await?;
        let seq = consents::next_seq(tx, &self.app, self.subject).await?;
        let event = self.event(&subject, &latest, seq)?;
        self.insert(tx, event.clone()).await?;
        if let Some(decides) = latest.apply(event.clone()).0 {
            consents::set_latest(tx, &self.app, self.subject, &decides).await?;
        }
        events::insert(tx, &self.log).await?;
        Ok(Recorded { event: self.id, occurred_at: event.occurred_at, repeated: false })
    }

    /// The event as it is recorded after `latest`, under a number of its subject's.
    ///
    /// # Errors
    /// `subject-restricted` for a grant; `unknown-purpose`; `invalid-consent`.
    pub(super) fn event(
        &self,
        subject: &Subject,
        latest: &Latest,
        seq: i64,
    ) -> Result<ConsentEvent, Refusal> {
        let facts = self.facts.clone()?;
        if subject.state == SubjectState::Restricted && self.new.action == Action::Granted {
            return Err(Code::SubjectRestricted.into());
        }
        if latest.0.is_none() && !facts.in_force {
            return Err(Code::UnknownPurpose.into());
        }
        Ok(ConsentEvent {
            id: self.id,
            purpose: self.new.purpose.clone(),
            action: self.new.action,
            shown: facts.shown,
            occurred_at: self.occurred_at.unwrap_or_else(|| {
                next_occurred_at(self.at, latest.0.as_ref().map(|e| e.occurred_at))
            }),
            recorded_at: self.at,
            seq,
        })
    }

    /// The purpose that it is about.
    pub(super) fn purpose(&self) -> &Name {
        &self.new.purpose
    }

    /// What the log says of it.
    pub(super) fn log(&self) -> &NewEvent {
        &self.log
    }

    /// The event with the signals that came with it.
    pub(super) fn stored(&self, event: ConsentEvent) -> StoredEvent {
        StoredEvent { event, signals: self.signals.clone() }
    }

    /// The row of an event made by [`Prepared::stored`].
    pub(super) fn row<'e>(&'e self, stored: &'e StoredEvent) -> consents::NewEvent<'e> {
        let caller_id = self.new.id.as_ref().map(|CallerId(id)| id.as_str());
        consents::NewEvent { subject: self.subject, stored, actor: &self.actor, caller_id }
    }

    async fn insert(&self, tx: &mut Tx, event: ConsentEvent) -> StoreResult<()> {
        let stored = self.stored(event);
        match consents::insert_many(tx, &self.app, [self.row(&stored)]).await {
            Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
            done => done,
        }
    }

    /// The answer to a repeat. A withdrawal is one whatever came with it the first time.
    fn repeat_of(&self, stored: &StoredEvent) -> StoreResult<Recorded> {
        let (new, first) = (&self.new, &stored.event);
        let signals = signals::open(&self.key, first.id, &stored.signals)
            .map_err(|_| StoreError::Damaged("consent_events.gpp"))?;
        let same_signals = new.signals == signals || new.action == Action::Withdrawn;
        let shown = match (&first.shown, new.notice_version, &new.language) {
            (Some(shown), Some(version), Some(language)) => {
                shown.version == version
                    && shown.language.as_str().eq_ignore_ascii_case(language.as_str())
            }
            (None, None, None) => true,
            _ => new.action == Action::Withdrawn,
        };
        if first.purpose == new.purpose && first.action == new.action && shown && same_signals {
            let (event, occurred_at) = (first.id, first.occurred_at);
            return Ok(Recorded { event, occurred_at, repeated: true });
        }
        let refusal = Refusal::new(Code::InvalidConsent);
        Err(refusal.detail("The id was used for another event.").into())
    }
}
