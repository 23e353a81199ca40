//! What was done to accounts and to apps as a whole, for those who oversee staff.

use oubli_domain::scope::Role;
use oubli_domain::{Code, EventId, Time, UserId};
use oubli_store::staff::events::{self, StaffEvent as Stored};
use serde_json::{Map, Value};

use crate::auth::{Staff, VisibleApps};
use crate::caller::Actor;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// Something that was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StaffEvent {
    /// The id of the event.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// What was done, such as `user.create`.
    pub kind: String,
    /// Who did it: an id.
    pub actor: String,
    /// To whose account, where it was one.
    pub user: Option<UserId>,
    /// Particulars that are no personal data.
    pub detail: Map<String, Value>,
}

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

    pub(crate) fn event(self) -> Stored {
        Stored {
            event: EventId::fresh(self.at),
            at: self.at,
            kind: self.kind.to_owned(),
            actor: self.actor,
            user: self.user,
            detail_json: Value::Object(self.detail).to_string(),
        }
    }
}

/// At most `limit` events after `after`, oldest first: they tell of every app and of everybody, and so
/// are for who sees every app.
///
/// # Errors
/// `insufficient-scope` for others; when the particulars of one do not read back, or the database
/// does not answer.
pub async fn list_events(
    oubli: &Oubli,
    staff: &Staff,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<StaffEvent>> {
    if staff.apps != VisibleApps::All {
        return Err(Code::InsufficientScope.into());
    }
    let stored = events::list(&mut oubli.data().conn().await?, after, limit.into()).await?;
    stored.into_iter().map(read).collect()
}

fn read(stored: Stored) -> Result<StaffEvent> {
    let Stored { event, at, kind, actor, user, detail_json } = stored;
    let detail =
        serde_json::from_str(&detail_json).map_err(|_| Error::Damaged("staff_events.detail"))?;
    Ok(StaffEvent { event, at, kind, actor, user, detail })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use oubli_domain::Time;
    use serde_json::Value;

    use super::{Told, read};
    use crate::caller::Actor;
    use crate::error::Error;

    #[test]
    fn damaged_particulars_are_an_error() {
        let mut stored =
            Told::new(&Actor::System, Time(7), "app.deleted").fact("app", "shop").event();
        let told = read(stored.clone()).unwrap();
        assert_eq!(told.detail["app"], Value::from("shop"));
        for damaged in ["", "null", "[]", "{\"app\":"] {
            damaged.clone_into(&mut stored.detail_json);
            let read = read(stored.clone());
            assert!(matches!(read, Err(Error::Damaged("staff_events.detail"))), "{damaged}");
        }
    }
}
