//! What was done to accounts and to apps as a whole, for those who oversee staff.

use oubli_domain::scope::Role;
use oubli_domain::{EventId, Time, UserId};
use oubli_store::staff::events;
pub use oubli_store::staff::events::StaffEvent;
use serde_json::{Map, Value};

use crate::auth::VisibleApps;
use crate::caller::Actor;
use crate::error::Result;
use crate::oubli::Oubli;

/// An event to be written with the change it tells of.
pub(crate) struct Told {
    at: Time,
    kind: &'static str,
    actor: String,
    user: Option<UserId>,
    detail: Map<String, Value>,
}

impl Told {
    pub(crate) fn new(actor: &Actor, at: Time, kind: &'static str) -> Self {
        Self { at, kind, actor: actor.to_string(), user: None, detail: Map::new() }
    }

    /// The account that it is about.
    pub(crate) fn about(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// A fact that is no personal data.
    pub(crate) fn fact(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.detail.insert(name.to_owned(), value.into());
        self
    }

    /// The role and apps that an account has from now on.
    pub(crate) fn role(self, role: Role, apps: &VisibleApps) -> Self {
        self.fact("role", role.as_str()).fact("apps", apps.to_string())
    }

    pub(crate) fn event(self) -> StaffEvent {
        StaffEvent {
            event: EventId::fresh(self.at),
            at: self.at,
            kind: self.kind.to_owned(),
            actor: self.actor,
            user: self.user,
            detail_json: Value::Object(self.detail).to_string(),
        }
    }
}

/// At most `limit` events after `after`, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list_events(
    oubli: &Oubli,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<StaffEvent>> {
    Ok(events::list(&mut oubli.data().conn().await?, after, limit.into()).await?)
}
