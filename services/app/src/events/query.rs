//! Which events are asked for.

use std::str::FromStr;

use oubli_domain::{ClientId, Code, EventId, Refusal, SubjectId, Time, UserId};
use oubli_store::events::Search;
use oubli_store::subjects;

use crate::caller::{Actor, Caller};
use crate::error::Result;
use crate::log::{Entry, KINDS};
use crate::oubli::Oubli;

/// Which events are asked for, and how. What is none selects nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct EventQuery {
    /// Those about one person, while there is a key that tells which they are.
    pub subject: Option<SubjectId>,
    /// Those of one actor.
    pub actor: Option<Actor>,
    /// Those of one type, such as `record.read`.
    pub kind: Option<String>,
    /// Those from this time on.
    pub from: Option<Time>,
    /// Those before this time.
    pub to: Option<Time>,
    /// Whether what goes with the person is asked for as well.
    pub payloads: bool,
}

impl FromStr for Actor {
    type Err = Refusal;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let parsed = match text.split_once(':') {
            Some(("client", id)) => ClientId::from_str(id).ok().map(Self::Client),
            Some(("staff", id)) => UserId::from_str(id).ok().map(Self::Staff),
            None if text == "system" => Some(Self::System),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let detail = "actor must be client: or staff: and an id, or system.";
            Refusal::new(Code::InvalidQuery).detail(detail)
        })
    }
}

impl EventQuery {
    /// The search, once it was found to be one.
    pub(super) async fn search(&self, oubli: &Oubli, caller: &Caller) -> Result<Search> {
        self.check(caller)?;
        let subject_ref = match self.subject {
            Some(subject) => Some(pseudonym(oubli, caller, subject).await?),
            None => None,
        };
        Ok(Search {
            subject_ref,
            actor: self.actor.as_ref().map(ToString::to_string),
            kind: self.kind.clone(),
            from: self.from,
            to: self.to,
            until: None,
        })
    }

    fn check(&self, caller: &Caller) -> Result<(), Refusal> {
        let refuse = |detail| Err(Refusal::new(Code::InvalidQuery).detail(detail));
        if self.from.zip(self.to).is_some_and(|(from, to)| from >= to) {
            return refuse("from must be before to.");
        }
        if self.kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
            return refuse("There is no such type of event.");
        }
        match &self.actor {
            Some(Actor::Client(client)) if client.app() != caller.app => {
                Err(Code::ClientNotFound.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether the search says something of a person, so that it is itself logged.
    pub(super) fn is_logged(&self) -> bool {
        self.subject.is_some() || self.payloads
    }

    /// Logs what was searched for.
    pub(super) async fn log(
        &self,
        oubli: &Oubli,
        caller: &Caller,
        kind: &'static str,
        until: Option<EventId>,
    ) -> Result<()> {
        let app = &caller.app;
        let mut entry = match self.subject {
            Some(subject) => Entry::about(subject, &*oubli.keyring().data_key(app, subject).await?),
            None => Entry::new(),
        };
        for (name, value) in [
            ("until", until.map(|event| event.to_string())),
            ("actor", self.actor.as_ref().map(ToString::to_string)),
            ("type", self.kind.clone()),
            ("from", self.from.map(|at| at.to_string())),
            ("to", self.to.map(|at| at.to_string())),
        ] {
            if let Some(value) = value {
                entry = entry.fact(name, value);
            }
        }
        let entry = entry.fact("payloads", self.payloads);
        oubli.reads().record(entry.event(app, &caller.actor, oubli.now(), kind)).await
    }
}

/// The pseudonym that the log knows a person by.
async fn pseudonym(oubli: &Oubli, caller: &Caller, subject: SubjectId) -> Result<[u8; 32]> {
    let mut conn = oubli.data().conn().await?;
    subjects::require(&mut conn, &caller.app, subject).await?;
    drop(conn);
    Ok(oubli.keyring().data_key(&caller.app, subject).await?.subject_ref())
}
