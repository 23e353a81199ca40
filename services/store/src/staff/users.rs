//! Staff users.

use std::fmt;

use oubli_domain::scope::Role;
use oubli_domain::{AppId, Time, UserId};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::{Result, StoreError};
use crate::statement::statements;

statements! {
    INSERT = "insert into users (user_id, name, role, apps, password_hash, failed_logins, \
        created_at, must_change, password_expires_at) values ($1, $2, $3, $4, $5, 0, $6, $7, $8)";
    BY_NAME = "select user_id, name, role, apps, password_hash, failed_logins, locked_until, \
        disabled_at, created_at, must_change, password_expires_at from users where name = $1";
    BY_ID = "select user_id, name, role, apps, password_hash, failed_logins, locked_until, \
        disabled_at, created_at, must_change, password_expires_at from users where user_id = $1";
    LIST = "select user_id, name, role, apps, password_hash, failed_logins, locked_until, \
        disabled_at, created_at, must_change, password_expires_at from users where name > $1 order by name limit $2";
    SET_PASSWORD = "update users set password_hash = $2, failed_logins = 0, locked_until = null, \
        must_change = $3, password_expires_at = $4 where user_id = $1";
    RECORD_FAILURE = "update users set failed_logins = $2, locked_until = $3 \
        where user_id = $1";
    CLEAR_FAILURES = "update users set failed_logins = 0, locked_until = null \
        where user_id = $1";
    DISABLE = "update users set disabled_at = $2 where user_id = $1 and disabled_at is null";
    ENABLE = "update users set disabled_at = null, failed_logins = 0, locked_until = null \
        where user_id = $1 and disabled_at is not null";
    SET_ROLE = "update users set role = $2, apps = $3 where user_id = $1";
    ADMINS_OF_ALL = "select count(*) from users where role = 'admin' and disabled_at is null and apps = '*'";
    LOCK_ADMINS = "update users set role = role where role = 'admin' and disabled_at is null";
}

/// Which apps a staff user may see. Stored as `*` or as names with spaces between.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum VisibleApps {
    /// Every app, also those that are registered later.
    All,
    /// These apps.
    Only(Vec<AppId>),
}

impl VisibleApps {
    /// Whether all of `other` are among them.
    #[must_use]
    pub fn cover(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::All, _) => true,
            (Self::Only(_), Self::All) => false,
            (Self::Only(_), Self::Only(apps)) => apps.iter().all(|app| self.include(app)),
        }
    }

    /// Whether `app` is among them.
    #[must_use]
    pub fn include(&self, app: &AppId) -> bool {
        match self {
            Self::All => true,
            Self::Only(apps) => apps.contains(app),
        }
    }

    fn parse(text: &str) -> Result<Self> {
        if text == "*" {
            return Ok(Self::All);
        }
        let apps = text.split_ascii_whitespace().map(AppId::new).collect::<Result<_, _>>();
        apps.map(Self::Only).map_err(|_| StoreError::Damaged("users.apps"))
    }
}

impl fmt::Display for VisibleApps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Only(apps) => {
                let names: Vec<_> = apps.iter().map(AppId::as_str).collect();
                f.write_str(&names.join(" "))
            }
        }
    }
}

/// A user as an admin creates one.
#[derive(Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The user's id.
    pub user: UserId,
    /// What the person signs in with.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Which apps the person may see.
    pub apps: VisibleApps,
    /// The password's hash, in PHC string format.
    pub password_hash: String,
    /// When the user was created.
    pub created_at: Time,
    /// Whether the password is only good for setting another one.
    pub must_change: bool,
    /// From when on the password is not accepted, for a temporary one.
    pub password_expires_at: Option<Time>,
}

/// A stored user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The user's id.
    pub user: UserId,
    /// What the person signs in with.
    pub name: String,
    /// What the person is there for.
    pub role: Role,
    /// Which apps the person may see.
    pub apps: VisibleApps,
    /// The password's hash, in PHC string format.
    pub password_hash: String,
    /// How many sign-ins have failed since the last one that did not.
    pub failed_logins: i64,
    /// Until when no password is accepted.
    pub locked_until: Option<Time>,
    /// Since when the person may not sign in any more.
    pub disabled_at: Option<Time>,
    /// When the user was created.
    pub created_at: Time,
    /// Whether the password is only good for setting another one.
    pub must_change: bool,
    /// From when on the password is not accepted, for a temporary one.
    pub password_expires_at: Option<Time>,
}

impl fmt::Debug for NewUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NewUser");
        shown.field("user", &self.user).field("role", &self.role).finish_non_exhaustive()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("User");
        shown.field("user", &self.user).field("role", &self.role).finish_non_exhaustive()
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    name: String,
    role: String,
    apps: String,
    password_hash: String,
    failed_logins: i64,
    locked_until: Option<i64>,
    disabled_at: Option<i64>,
    created_at: i64,
    must_change: bool,
    password_expires_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<User> {
        Ok(User {
            user: UserId(self.user_id),
            name: self.name,
            role: self.role.parse().map_err(|_| StoreError::Damaged("users.role"))?,
            apps: VisibleApps::parse(&self.apps)?,
            password_hash: self.password_hash,
            failed_logins: self.failed_logins,
            locked_until: self.locked_until.map(Time),
            disabled_at: self.disabled_at.map(Time),
            created_at: Time(self.created_at),
            must_change: self.must_change,
            password_expires_at: self.password_expires_at.map(Time),
        })
    }
}

/// Creates a user.
///
/// # Errors
/// [`StoreError::Duplicate`] when the name or the id is taken.
pub async fn insert(tx: &mut Tx, new: &NewUser) -> Result<()> {
    let apps = new.apps.to_string();
    let role = new.role.as_str();
    let (must_change, expires) = (new.must_change, new.password_expires_at);
    let hash = &new.password_hash;
    let args = (new.user, &new.name, role, apps, hash, new.created_at, must_change, expires);
    tx.execute_one(&INSERT, args).await
}

/// The user of this name, disabled or not, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn by_name(conn: &mut Conn, name: &str) -> Result<Option<User>> {
    conn.optional::<Row>(&BY_NAME, (name,)).await?.map(Row::read).transpose()
}

/// The user of this id, disabled or not, or none.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn by_id(conn: &mut Conn, user: UserId) -> Result<Option<User>> {
    conn.optional::<Row>(&BY_ID, (user,)).await?.map(Row::read).transpose()
}

/// At most `limit` users by name, from the one that follows `after`.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database fails.
pub async fn list(conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<User>> {
    let rows = conn.all::<Row>(&LIST, (after.unwrap_or_default(), limit)).await?;
    rows.into_iter().map(Row::read).collect()
}

/// A password as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword {
    /// Its hash, in PHC string format.
    pub hash: String,
    /// Whether it is only good for setting another one.
    pub must_change: bool,
    /// From when on it is not accepted.
    pub expires_at: Option<Time>,
}

/// Replaces the password; failures are forgotten and a lock ends.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such user.
pub async fn set_password(tx: &mut Tx, user: UserId, new: &NewPassword) -> Result<()> {
    tx.execute_one(&SET_PASSWORD, (user, &new.hash, new.must_change, new.expires_at)).await
}

/// Sets how many sign-ins have failed, and until when none is tried. To count, read the user in
/// the same transaction: the store then runs it again when two failures meet.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such user.
pub async fn record_failure(
    tx: &mut Tx,
    user: UserId,
    failed: i64,
    locked_until: Option<Time>,
) -> Result<()> {
    tx.execute_one(&RECORD_FAILURE, (user, failed, locked_until)).await
}

/// Forgets the failures after a sign-in that did not fail; a lock ends. The row is written also when
/// there are none, so that of this transaction and one that sets the password or disables the user,
/// one runs again and sees what the other did.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such user.
pub async fn clear_failures(tx: &mut Tx, user: UserId) -> Result<()> {
    tx.execute_one(&CLEAR_FAILURES, (user,)).await
}

/// Lets the person sign in no more; false when there is no such user or it is disabled already.
/// Open sessions end with [`super::sessions::end_all`].
///
/// # Errors
/// When the database fails.
pub async fn disable(tx: &mut Tx, user: UserId, at: Time) -> Result<bool> {
    Ok(tx.execute(&DISABLE, (user, at)).await? == 1)
}

/// Lets a disabled person sign in again; false when there is no such user or it is not disabled.
///
/// # Errors
/// When the database fails.
pub async fn enable(tx: &mut Tx, user: UserId) -> Result<bool> {
    Ok(tx.execute(&ENABLE, (user,)).await? == 1)
}

/// Gives the user another role and other apps.
///
/// # Errors
/// [`StoreError::RowCount`] when there is no such user.
pub async fn set_role(tx: &mut Tx, user: UserId, role: Role, apps: &VisibleApps) -> Result<()> {
    tx.execute_one(&SET_ROLE, (user, role.as_str(), apps.to_string())).await
}

/// Holds every admin who may sign in until the end of the transaction, and gives how many there
/// are. The rows are written: of two transactions that each take one admin away, one runs again.
///
/// # Errors
/// When the database fails.
pub async fn lock_admins(tx: &mut Tx) -> Result<u64> {
    tx.execute(&LOCK_ADMINS, ()).await
}

/// How many admins there are who may sign in and see every app. Hold them first.
///
/// # Errors
/// When the database fails.
pub async fn admins_of_all(tx: &mut Tx) -> Result<u64> {
    let (admins,): (i64,) = tx.one(&ADMINS_OF_ALL, ()).await?;
    Ok(admins.unsigned_abs())
}
