//! The accounts of staff. The first admin comes from the command line, as [`Actor::System`]: there
//! is no default password. Callers have made sure that the actor may do this.

use std::fmt;

use oubli_domain::scope::Role;
use oubli_domain::{Code, Pii, Refusal, Time, UserId};
use oubli_store::StoreError;
use oubli_store::staff::{events, sessions, users};

use super::events::Told;
use super::manage::require_sight;
use super::password;
use crate::auth::{Staff, VisibleApps};
use crate::caller::Actor;
use crate::error::Result;
use crate::oubli::Oubli;

/// How many apps a user with restricted sight may be given.
const MAX_APPS: usize = 100;

/// A staff user to be created.
pub struct NewStaff {
    /// What the person signs in with: 1 to 64 characters of a-z, 0-9, `.`, `_` and `-`.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Which apps the person may see: all, or 1 to 100.
    pub apps: VisibleApps,
    /// 12 to 128 characters, not easily guessed.
    pub password: Pii<String>,
    /// Whether the person must choose another one at the first sign-in.
    pub must_change: bool,
}

impl fmt::Debug for NewStaff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewStaff").field("role", &self.role).finish_non_exhaustive()
    }
}

/// Whether a text has the form of a staff user's name: 1 to 64 characters of a-z, 0-9, `.`, `_` and
/// `-`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(valid)
}

impl NewStaff {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if !is_name(&self.name) {
            let rule = "must be 1 to 64 characters of a-z, 0-9, '.', '_' and '-'";
            return Err(Refusal::new(Code::InvalidBody).at("/name", rule));
        }
        check_apps(&self.apps)
    }
}

pub(super) fn check_apps(apps: &VisibleApps) -> Result<(), Refusal> {
    match apps {
        VisibleApps::Only(apps) if !(1..=MAX_APPS).contains(&apps.len()) => {
            Err(Refusal::new(Code::InvalidBody).at("/apps", "must name 1 to 100 apps"))
        }
        _ => Ok(()),
    }
}

/// A staff user, as shown to those who manage them.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffUser {
    /// The user's id.
    pub user: UserId,
    /// What the person signs in with.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Which apps the person may see.
    pub apps: VisibleApps,
    /// Until when no password is accepted.
    pub locked_until: Option<Time>,
    /// Since when the person may not sign in any more.
    pub disabled_at: Option<Time>,
    /// When the user was created.
    pub created_at: Time,
    /// Whether the password must be changed at the next sign-in.
    pub must_change: bool,
}

impl fmt::Debug for StaffUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StaffUser");
        shown.field("user", &self.user).field("role", &self.role).finish_non_exhaustive()
    }
}

impl From<users::User> for StaffUser {
    fn from(stored: users::User) -> Self {
        Self {
            user: stored.user,
            name: stored.name,
            role: stored.role,
            apps: stored.apps,
            locked_until: stored.locked_until,
            disabled_at: stored.disabled_at,
            created_at: stored.created_at,
            must_change: stored.must_change,
        }
    }
}

/// Creates a staff user.
///
/// # Errors
/// `invalid-body` for a name, list of apps or password out of bounds; `user-exists`;
/// `too-many-logins`, for hashing waits with those who sign in.
pub async fn create_user(oubli: &Oubli, actor: &Actor, new: NewStaff) -> Result<UserId> {
    insert_user(oubli, actor, new, None).await
}

/// Creates a user whose password expires at `expires_at`, if at any time.
pub(super) async fn insert_user(
    oubli: &Oubli,
    actor: &Actor,
    new: NewStaff,
    expires_at: Option<Time>,
) -> Result<UserId> {
    new.check()?;
    let password = password::normalised(&new.password);
    password::check(&password, &new.name, "/password")?;
    let now = oubli.now();
    let row = users::NewUser {
        user: UserId::fresh(now),
        name: new.name,
        role: new.role,
        apps: new.apps,
        password_hash: password::hash(oubli, password).await?,
        created_at: now,
        must_change: new.must_change,
        password_expires_at: expires_at,
    };
    let user = row.user;
    let event = Told::new(actor, now, "user.create").about(user).role(row.role, &row.apps).event();
    oubli
        .data()
        .write("staff.create_user", move |tx| {
            let (row, event) = (row.clone(), event.clone());
            Box::pin(async move {
                users::insert(tx, &row).await.map_err(taken)?;
                events::insert(tx, &event).await
            })
        })
        .await?;
    tracing::info!(%actor, %user, "staff user created");
    Ok(user)
}

fn taken(error: StoreError) -> StoreError {
    match error {
        StoreError::Duplicate { .. } => StoreError::Refused(Code::UserExists.into()),
        other => other,
    }
}

/// Replaces the password of a user. A lock ends, and so do the user's sessions: whoever knew the
/// old password is out. With `must_change` the next session is good for nothing but to set another.
///
/// # Errors
/// `user-not-found`; `invalid-body` for a password out of bounds; `too-many-logins`.
pub async fn set_password(
    oubli: &Oubli,
    actor: &Actor,
    name: &str,
    password: &Pii<String>,
    must_change: bool,
) -> Result<()> {
    let password = password::normalised(password);
    password::check(&password, name, "/password")?;
    let user = require(oubli, name).await?;
    let hash = password::hash(oubli, password).await?;
    let new = users::NewPassword { hash, must_change, expires_at: None };
    replace_password(oubli, actor, None, user, new, "user.set_password").await
}

/// Stores a password and ends every session of the user; where `by` does it, only of one whom they
/// still see.
pub(super) async fn replace_password(
    oubli: &Oubli,
    actor: &Actor,
    by: Option<&Staff>,
    user: UserId,
    new: users::NewPassword,
    kind: &'static str,
) -> Result<()> {
    let now = oubli.now();
    let event = Told::new(actor, now, kind).about(user).event();
    let by = by.cloned();
    oubli
        .data()
        .write("staff.set_password", move |tx| {
            let (by, new, event) = (by.clone(), new.clone(), event.clone());
            Box::pin(async move {
                if let Some(by) = &by {
                    require_sight(tx, by, user).await?;
                }
                users::set_password(tx, user, &new).await?;
                events::insert(tx, &event).await?;
                sessions::end_all(tx, user, now).await
            })
        })
        .await?;
    oubli.verified_tokens().forget();
    tracing::info!(%actor, %user, "password of a staff user set");
    Ok(())
}

/// Lets a user sign in no more, and ends the user's sessions. Doing it again changes nothing. Who
/// runs the machine may also disable the last admin, and make another.
///
/// # Errors
/// `user-not-found`.
pub async fn disable_user(oubli: &Oubli, actor: &Actor, name: &str) -> Result<()> {
    let (user, now) = (require(oubli, name).await?, oubli.now());
    let event = Told::new(actor, now, "user.disable").about(user).event();
    oubli
        .data()
        .write("staff.disable_user", move |tx| {
            let event = event.clone();
            Box::pin(async move {
                if users::disable(tx, user, now).await? {
                    events::insert(tx, &event).await?;
                }
                sessions::end_all(tx, user, now).await
            })
        })
        .await?;
    oubli.verified_tokens().forget();
    tracing::info!(%actor, %user, "staff user disabled");
    Ok(())
}

/// At most `limit` users by name, from the one that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn list_users(oubli: &Oubli, after: Option<&str>, limit: u32) -> Result<Vec<StaffUser>> {
    let stored = users::list(&mut oubli.data().conn().await?, after, limit.into()).await?;
    Ok(stored.into_iter().map(StaffUser::from).collect())
}

async fn require(oubli: &Oubli, name: &str) -> Result<UserId> {
    let found = users::by_name(&mut oubli.data().conn().await?, name).await?;
    found.map(|user| user.user).ok_or_else(|| Code::UserNotFound.into())
}
