//! The parameters that say which events are asked for.

use oubli_app::events::EventQuery;
use oubli_domain::{Refusal, SubjectId, Time};
use serde::Deserialize;

/// What comes with each event beside its leaf.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Include {
    /// What goes with the person: names and ids.
    Payload,
}

/// The parameters as they came.
pub(super) struct Filter {
    pub(super) subject: Option<SubjectId>,
    pub(super) actor: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) include: Option<Include>,
}

impl Filter {
    /// The query.
    ///
    /// # Errors
    /// `invalid-query` for what no actor looks like; `invalid-time`.
    pub(super) fn read(self) -> Result<EventQuery, Refusal> {
        let time = |text: Option<String>| text.as_deref().map(Time::parse).transpose();
        Ok(EventQuery {
            subject: self.subject,
            actor: self.actor.as_deref().map(str::parse).transpose()?,
            kind: self.kind,
            from: time(self.from)?,
            to: time(self.to)?,
            payloads: self.include.is_some(),
        })
    }
}
