//! How accounts and sessions look on the wire.

use oubli_app::auth::VisibleApps;
use oubli_app::staff;
use oubli_domain::scope::Role;
use oubli_domain::{AppId, Code, Refusal, SessionId, Time, UserId};
use serde::Serialize;
use utoipa::ToSchema;

/// A staff account.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffUser {
    /// The user's id.
    #[schema(value_type = String, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    user: UserId,
    /// What the person signs in with.
    #[schema(example = "ada")]
    pub(super) name: String,
    /// `admin`, `dpo`, `compliance` or `auditor`.
    #[schema(value_type = String, example = "dpo")]
    role: Role,
    /// Names of apps, or `*` alone for all.
    #[schema(example = json!(["shop"]))]
    apps: Vec<String>,
    /// Whether the password must be changed at the next sign-in.
    #[schema(example = false)]
    must_change: bool,
    /// Until when no password is accepted, after ten failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-15T12:15:00Z")]
    locked_until: Option<Time>,
    /// Since when the person may not sign in any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-15T12:00:00Z")]
    disabled_at: Option<Time>,
    /// When the account was created.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00Z")]
    created_at: Time,
}

impl From<staff::StaffUser> for StaffUser {
    fn from(user: staff::StaffUser) -> Self {
        let apps = user.apps.to_string().split(' ').map(str::to_owned).collect();
        Self {
            user: user.user,
            name: user.name,
            role: user.role,
            apps,
            must_change: user.must_change,
            locked_until: user.locked_until,
            disabled_at: user.disabled_at,
            created_at: user.created_at,
        }
    }
}

/// Reads a list of apps as it is written here.
///
/// # Errors
/// `invalid-body`.
pub(super) fn visible(apps: &[String]) -> Result<VisibleApps, Refusal> {
    if apps == ["*"] {
        return Ok(VisibleApps::All);
    }
    let names: Result<Vec<_>, _> = apps.iter().map(AppId::new).collect();
    names.map(VisibleApps::Only).map_err(|_| {
        Refusal::new(Code::InvalidBody).at("/apps", "must be names of apps, or * alone")
    })
}

/// A session that is open.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenSession {
    /// Its id.
    #[schema(value_type = String, example = "ses_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    session: SessionId,
    /// When the person signed in.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T12:00:00Z")]
    created_at: Time,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime, example = "2026-01-15T13:00:00Z")]
    expires_at: Time,
    /// Whether it is the one that asks.
    #[schema(example = true)]
    current: bool,
}

/// The open sessions of a user: as many as were opened in the last hour.
#[derive(Serialize, ToSchema)]
pub(crate) struct OpenSessions {
    /// The sessions, oldest first.
    items: Vec<OpenSession>,
}

impl OpenSessions {
    pub(super) fn of(sessions: Vec<staff::Session>, current: SessionId) -> Self {
        let open = |session: staff::Session| OpenSession {
            session: session.session,
            created_at: session.created_at,
            expires_at: session.expires_at,
            current: session.session == current,
        };
        Self { items: sessions.into_iter().map(open).collect() }
    }
}

/// A generated password that is shown once.
#[derive(Serialize, ToSchema)]
pub(crate) struct TemporaryPassword {
    /// Whose it is.
    #[schema(value_type = String, example = "usr_0192f0c1e7a07c3d8f0b6a5d4c3b2a19")]
    user: UserId,
    /// To be handed to the person. It is shown this once, and good for setting another one.
    #[schema(format = Password, example = "1b9d6-bcd0b-bfd4b-2d9b5-dab8d-fbbd4")]
    temporary_password: String,
    /// From when on it is not accepted.
    #[schema(value_type = String, format = DateTime, example = "2026-01-16T12:00:00Z")]
    expires_at: Time,
}

impl From<staff::TemporaryPassword> for TemporaryPassword {
    fn from(made: staff::TemporaryPassword) -> Self {
        let temporary_password = made.password.expose().clone();
        Self { user: made.user, temporary_password, expires_at: made.expires_at }
    }
}
