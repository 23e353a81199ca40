//! Managing accounts over the API. An admin manages the users whose apps they see themselves;
//! others are as if they never were.

use std::fmt;

use oubli_domain::scope::Role;
use oubli_domain::{Code, Pii, Time, UserId};
use oubli_store::staff::users::{self, NewPassword};
use oubli_store::staff::{events, sessions};
use oubli_store::{Result as StoreResult, StoreError, Tx};

use super::events::Told;
use super::password;
use super::users::{NewStaff, StaffUser, check_apps, insert_user, replace_password};
use crate::auth::{Staff, VisibleApps};
use crate::caller::Actor;
use crate::error::Result;
use crate::oubli::Oubli;

/// How long a temporary password is accepted.
const TEMPORARY_SECONDS: i64 = 24 * 3_600;

/// An account to be created by an admin.
pub struct NewAccount {
    /// What the person signs in with.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Which apps the person may see.
    pub apps: VisibleApps,
}

impl fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAccount").field("role", &self.role).finish_non_exhaustive()
    }
}

/// A generated password that is shown once and good for setting another one.
#[derive(Clone, PartialEq, Eq)]
pub struct TemporaryPassword {
    /// Whose it is.
    pub user: UserId,
    /// The password.
    pub password: Pii<String>,
    /// From when on it is not accepted.
    pub expires_at: Time,
}

impl fmt::Debug for TemporaryPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TemporaryPassword").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Creates a user with a temporary password.
///
/// # Errors
/// `invalid-body`; `user-exists`; `insufficient-scope` for apps that the admin does not see;
/// `too-many-logins`.
pub async fn add_user(oubli: &Oubli, staff: &Staff, new: NewAccount) -> Result<TemporaryPassword> {
    if !staff.apps.cover(&new.apps) {
        return Err(Code::InsufficientScope.into());
    }
    let (password, expires_at) = temporary(oubli);
    let NewAccount { name, role, apps } = new;
    let new = NewStaff { name, role, apps, password: password.clone(), must_change: true };
    let user = insert_user(oubli, &Actor::Staff(staff.user), new, Some(expires_at)).await?;
    Ok(TemporaryPassword { user, password, expires_at })
}

fn temporary(oubli: &Oubli) -> (Pii<String>, Time) {
    (password::temporary(), oubli.now().plus_seconds(TEMPORARY_SECONDS))
}

/// Gives another user a temporary password and ends all their sessions.
///
/// # Errors
/// `own-password-reset` for the admin's own; `user-not-found`; `too-many-logins`.
pub async fn reset_password(
    oubli: &Oubli,
    staff: &Staff,
    user: UserId,
) -> Result<TemporaryPassword> {
    if user == staff.user {
        return Err(Code::OwnPasswordReset.into());
    }
    visible(oubli, staff, user).await?;
    let (password, expires_at) = temporary(oubli);
    let hash = password::hash(oubli, password.clone()).await?;
    let new = NewPassword { hash, must_change: true, expires_at: Some(expires_at) };
    let actor = Actor::Staff(staff.user);
    replace_password(oubli, &actor, Some(staff), user, new, "user.reset_password").await?;
    Ok(TemporaryPassword { user, password, expires_at })
}

/// Gives a user another role and other apps. It counts at once on this node and within 5 seconds on
/// others.
///
/// # Errors
/// `user-not-found`; `invalid-body`; `insufficient-scope` for apps that the admin does not see;
/// `last-admin`.
pub async fn change_user(
    oubli: &Oubli,
    staff: &Staff,
    user: UserId,
    role: Role,
    apps: VisibleApps,
) -> Result<StaffUser> {
    check_apps(&apps)?;
    if !staff.apps.cover(&apps) {
        return Err(Code::InsufficientScope.into());
    }
    let told = Told::new(&Actor::Staff(staff.user), oubli.now(), "user.change").about(user);
    let event = told.role(role, &apps).event();
    let by = staff.clone();
    let written = oubli.data().write("staff.change_user", move |tx| {
        let (by, apps, event) = (by.clone(), apps.clone(), event.clone());
        Box::pin(async move {
            let before = require_sight(tx, &by, user).await?;
            let narrows = before.apps == VisibleApps::All && apps != VisibleApps::All;
            if role != Role::Admin || narrows {
                require_other_admin(tx, user).await?;
            }
            users::set_role(tx, user, role, &apps).await?;
            events::insert(tx, &event).await
        })
    });
    written.await?;
    oubli.verified_tokens().forget();
    tracing::info!(by = %staff.user, %user, role = role.as_str(), "staff user changed");
    find_user(oubli, staff, user).await
}

/// Lets a user sign in no more, and ends the user's sessions. Doing it again changes nothing.
///
/// # Errors
/// `user-not-found`; `last-admin`.
pub async fn disable(oubli: &Oubli, staff: &Staff, user: UserId) -> Result<()> {
    let now = oubli.now();
    let event = Told::new(&Actor::Staff(staff.user), now, "user.disable").about(user).event();
    let by = staff.clone();
    let written = oubli.data().write("staff.disable_user", move |tx| {
        let (by, event) = (by.clone(), event.clone());
        Box::pin(async move {
            require_sight(tx, &by, user).await?;
            require_other_admin(tx, user).await?;
            if users::disable(tx, user, now).await? {
                events::insert(tx, &event).await?;
            }
            sessions::end_all(tx, user, now).await
        })
    });
    written.await?;
    oubli.verified_tokens().forget();
    tracing::info!(by = %staff.user, %user, "staff user disabled");
    Ok(())
}

/// Lets a disabled user sign in again; a lock ends. Doing it again changes nothing.
///
/// # Errors
/// `user-not-found`.
pub async fn enable(oubli: &Oubli, staff: &Staff, user: UserId) -> Result<()> {
    let told = Told::new(&Actor::Staff(staff.user), oubli.now(), "user.enable");
    let event = told.about(user).event();
    let by = staff.clone();
    let written = oubli.data().write("staff.enable_user", move |tx| {
        let (by, event) = (by.clone(), event.clone());
        Box::pin(async move {
            require_sight(tx, &by, user).await?;
            if users::enable(tx, user).await? {
                events::insert(tx, &event).await?;
            }
            Ok(())
        })
    });
    written.await?;
    tracing::info!(by = %staff.user, %user, "staff user enabled");
    Ok(())
}

/// Refuses when `user` is the only admin who may sign in, or the only one who sees every app: nobody
/// could make another. Every admin is held first, so that two admins cannot take each other away at
/// the same time.
async fn require_other_admin(tx: &mut Tx, user: UserId) -> StoreResult<()> {
    let admins = users::lock_admins(tx).await?;
    let stored = users::by_id(tx, user).await?;
    let stored = stored.filter(|u| u.role == Role::Admin && u.disabled_at.is_none());
    let Some(stored) = stored else { return Ok(()) };
    let alike =
        if stored.apps == VisibleApps::All { users::admins_of_all(tx).await? } else { admins };
    if alike <= 1 {
        return Err(StoreError::Refused(Code::LastAdmin.into()));
    }
    Ok(())
}

/// The user, seen in the transaction that changes it: whoever saw it before may not any more.
pub(super) async fn require_sight(
    tx: &mut Tx,
    staff: &Staff,
    user: UserId,
) -> StoreResult<users::User> {
    let found = users::by_id(tx, user).await?.filter(|found| sees(staff, found));
    found.ok_or_else(|| StoreError::Refused(Code::UserNotFound.into()))
}

/// A user whom the caller may see: whose apps the caller sees too, and the caller.
///
/// # Errors
/// `user-not-found`.
pub(super) async fn visible(oubli: &Oubli, staff: &Staff, user: UserId) -> Result<users::User> {
    let found = users::by_id(&mut oubli.data().conn().await?, user).await?;
    found.filter(|found| sees(staff, found)).ok_or_else(|| Code::UserNotFound.into())
}

fn sees(staff: &Staff, user: &users::User) -> bool {
    staff.user == user.user || staff.apps.cover(&user.apps)
}

/// A user whom the caller may see.
///
/// # Errors
/// `user-not-found`.
pub async fn find_user(oubli: &Oubli, staff: &Staff, user: UserId) -> Result<StaffUser> {
    visible(oubli, staff, user).await.map(StaffUser::from)
}

/// At most `limit` users whom the caller may see, by name, from the one that follows `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn visible_users(
    oubli: &Oubli,
    staff: &Staff,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<StaffUser>> {
    let most = limit as usize;
    let mut after = after.map(str::to_owned);
    let mut seen = Vec::new();
    loop {
        let mut conn = oubli.data().conn().await?;
        let page = users::list(&mut conn, after.as_deref(), limit.into()).await?;
        drop(conn);
        after = page.last().map(|user| user.name.clone());
        let last = page.len() < most;
        seen.extend(page.into_iter().filter(|user| sees(staff, user)).map(StaffUser::from));
        if last || seen.len() >= most {
            seen.truncate(most);
            return Ok(seen);
        }
    }
}
