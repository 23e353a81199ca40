//! The accounts of staff. The first admin comes from the command line, as [`Actor::System`]: there
//! is no default password. Callers have made sure that the actor may do this.

use std::fmt;

use oubli_domain::scope::Role;
use oubli_domain::{Code, Pii, Refusal, Time, UserId};
use oubli_store::StoreError;
use oubli_store::staff::{sessions, users};

use super::password;
use crate::auth::VisibleApps;
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
}

impl fmt::Debug for NewStaff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewStaff").field("role", &self.role).finish_non_exhaustive()
    }
}

impl NewStaff {
    fn check(&self) -> Result<(), Refusal> {
        let valid = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
        if !(1..=64).contains(&self.name.len()) || !self.name.bytes().all(valid) {
            let rule = "must be 1 to 64 characters of a-z, 0-9, '.', '_' and '-'";
            return Err(Refusal::new(Code::InvalidBody).at("/name", rule));
        }
        match &self.apps {
            VisibleApps::Only(apps) if !(1..=MAX_APPS).contains(&apps.len()) => {
                Err(Refusal::new(Code::InvalidBody).at("/apps", "must name 1 to 100 apps"))
            }
            _ => Ok(()),
        }
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
        }
    }
}

/// Creates a staff user.
///
/// # Errors
/// `invalid-body` for a name, list of apps or password out of bounds; `user-exists`;
/// `too-many-logins`, for hashing waits with those who sign in.
pub async fn create_user(oubli: &Oubli, actor: &Actor, new: NewStaff) -> Result<UserId> {
    new.check()?;
    let password = password::normalised(&new.password);
    password::check(&password, &new.name)?;
    let now = oubli.now();
    let row = users::NewUser {
        user: UserId::fresh(now),
        name: new.name,
        role: new.role,
        apps: new.apps,
        password_hash: password::hash(oubli, password).await?,
        created_at: now,
    };
    let user = row.user;
    oubli
        .data()
        .write("staff.create_user", move |tx| {
            let row = row.clone();
            Box::pin(async move { users::insert(tx, &row).await.map_err(taken) })
        })
        .await?;
    tracing::info!(%actor, %user, role = new.role.as_str(), "staff user created");
    Ok(user)
}

fn taken(error: StoreError) -> StoreError {
    match error {
        StoreError::Duplicate { .. } => StoreError::Refused(Code::UserExists.into()),
        other => other,
    }
}

/// Replaces the password of a user. A lock ends, and so do the user's sessions: whoever knew the
/// old password is out.
///
/// # Errors
/// `user-not-found`; `invalid-body` for a password out of bounds; `too-many-logins`.
pub async fn set_password(
    oubli: &Oubli,
    actor: &Actor,
    name: &str,
    password: &Pii<String>,
) -> Result<()> {
    let password = password::normalised(password);
    password::check(&password, name)?;
    let (user, now) = (require(oubli, name).await?, oubli.now());
    let hash = password::hash(oubli, password).await?;
    oubli
        .data()
        .write("staff.set_password", move |tx| {
            let hash = hash.clone();
            Box::pin(async move {
                users::set_password(tx, user, &hash).await?;
                sessions::end_all(tx, user, now).await
            })
        })
        .await?;
    oubli.verified_tokens().forget();
    tracing::info!(%actor, %user, "password of a staff user set");
    Ok(())
}

/// Lets a user sign in no more, and ends the user's sessions. Doing it again changes nothing.
///
/// # Errors
/// `user-not-found`.
pub async fn disable_user(oubli: &Oubli, actor: &Actor, name: &str) -> Result<()> {
    let (user, now) = (require(oubli, name).await?, oubli.now());
    oubli
        .data()
        .write("staff.disable_user", move |tx| {
            Box::pin(async move {
                users::disable(tx, user, now).await?;
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
