//! Who calls, for which app, and whether the call may be a repeat.

use std::fmt;

use oubli_domain::{AppId, ClientId, UserId};

use crate::once::Once;

/// Who does something. Its text form stands in the log: an id, never a name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// A program of an app.
    Client(ClientId),
    /// A member of staff.
    Staff(UserId),
    /// The service itself: a job, or the command line on its machine.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(id) => write!(f, "client:{id}"),
            Self::Staff(id) => write!(f, "staff:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// A caller who was found to be allowed what the use case does, within one app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The app. Use cases reach no other.
    pub app: AppId,
    /// Who it is.
    pub actor: Actor,
}

/// One call that changes something.
#[derive(Clone, Debug)]
pub struct Call {
    /// Who calls.
    pub caller: Caller,
    /// What makes a repeat recognisable, when the caller sent an `Idempotency-Key`.
    pub once: Option<Once>,
}

impl Call {
    /// A call of the service itself.
    #[must_use]
    pub fn system(app: AppId) -> Self {
        Self { caller: Caller { app, actor: Actor::System }, once: None }
    }
}
