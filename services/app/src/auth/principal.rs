//! Whom a valid token belongs to, and what that lets it do.

use oubli_domain::scope::{Role, Scope, Scopes};
use oubli_domain::{AppId, ClientId, Code, SessionId, UserId};
use oubli_store::staff::users::VisibleApps;

use crate::caller::{Actor, Caller};
use crate::error::Result;

/// Whom a valid access token belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Principal {
    /// A program of an app.
    Client {
        /// The client.
        client: ClientId,
        /// Its app, the only one it reaches.
        app: AppId,
        /// What the token may do: the client's scopes, or fewer when fewer were asked for.
        scopes: Scopes,
    },
    /// A member of staff who is signed in.
    Staff(Staff),
}

/// A member of staff who is signed in. Role and apps are those in force when the session was last
/// looked up, seconds ago at most, whatever the token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Staff {
    /// The user.
    pub user: UserId,
    /// The session that the token belongs to.
    pub session: SessionId,
    /// What the user is there for.
    pub role: Role,
    /// Which apps the user may see.
    pub apps: VisibleApps,
    /// Whether the session is only good for changing the password and signing out.
    pub must_change: bool,
}

impl Principal {
    /// Who it is, as the log knows it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Client { client, .. } => Actor::Client(client.clone()),
            Self::Staff(staff) => Actor::Staff(staff.user),
        }
    }

    /// What the token may do, within the apps it reaches.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        match self {
            Self::Client { scopes, .. } => *scopes,
            Self::Staff(staff) => staff.role.scopes(),
        }
    }

    fn reaches(&self, app: &AppId) -> bool {
        match self {
            Self::Client { app: own, .. } => own == app,
            Self::Staff(staff) => staff.apps.include(app),
        }
    }

    /// Refuses a session that is only good for changing the password and signing out.
    ///
    /// # Errors
    /// `password-change-required`.
    pub fn may_call(&self) -> Result<()> {
        match self.staff() {
            Some(staff) if staff.must_change => Err(Code::PasswordChangeRequired.into()),
            _ => Ok(()),
        }
    }

    /// The caller of an operation on `app` that needs `scope`. Staff may be named an app that does
    /// not exist: the use case finds that out.
    ///
    /// # Errors
    /// `app-not-found` for an app that the token does not reach, as if it never was;
    /// `insufficient-scope`.
    pub fn caller_for(&self, app: &AppId, scope: Scope) -> Result<Caller> {
        if !self.reaches(app) {
            return Err(Code::AppNotFound.into());
        }
        if !self.scopes().has(scope) {
            return Err(Code::InsufficientScope.into());
        }
        Ok(Caller { app: app.clone(), actor: self.actor() })
    }

    /// The member of staff who calls an operation that belongs to no app and needs `scope`.
    ///
    /// # Errors
    /// `insufficient-scope`, for every client too.
    pub fn staff_scope(&self, scope: Scope) -> Result<&Staff> {
        self.staff()
            .filter(|staff| staff.role.scopes().has(scope))
            .ok_or_else(|| Code::InsufficientScope.into())
    }

    /// The member of staff, when it is one.
    #[must_use]
    pub fn staff(&self) -> Option<&Staff> {
        match self {
            Self::Staff(staff) => Some(staff),
            Self::Client { .. } => None,
        }
    }
}

impl Staff {
    /// The caller who creates `app`.
    ///
    /// # Errors
    /// `insufficient-scope` unless the role manages apps and the user may see one of this name:
    /// others would learn which names are taken.
    pub fn caller_to_create(&self, app: &AppId) -> Result<Caller> {
        if !self.role.scopes().has(Scope::AppsManage) || !self.apps.include(app) {
            return Err(Code::InsufficientScope.into());
        }
        Ok(Caller { app: app.clone(), actor: Actor::Staff(self.user) })
    }
}
