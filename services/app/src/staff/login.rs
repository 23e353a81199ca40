//! Signing in.

use std::fmt;

use oubli_domain::clock::CLOCKS_SECONDS;
use oubli_domain::scope::Role;
use oubli_domain::{Code, Pii, SessionId, Time, UserId};
use oubli_store::staff::sign_ins::{self, Outcome};
use oubli_store::staff::{sessions, users};
use oubli_store::{Db, StoreError, Tx};

use super::gate::Turn;
use super::password;
use crate::auth::Claims;
use crate::error::Result;
use crate::oubli::Oubli;

/// How long a session lasts. Its token lasts as long: there is no refreshing.
const SESSION_SECONDS: u32 = 3_600;
/// After every so many failures in a row the account is locked.
const FAILURES: i64 = 10;
/// For how long.
const LOCKED_SECONDS: i64 = 15 * 60;

/// The domain of the MACs of names that nobody has.
const UNKNOWN_NAME: &str = "oubli/unknown-staff-name/v1";

/// What the `client_id` of a staff token is; no client can have it, for it names no app.
const STAFF_CLIENT: &str = "oubli-staff";

/// A session that was opened.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedIn {
    /// The access token, of type `Bearer`.
    pub access_token: String,
    /// For how many seconds it is valid.
    pub expires_in: u32,
    /// Who signed in.
    pub user: UserId,
    /// What the user is there for.
    pub role: Role,
    /// Whether the session is only good for changing the password and signing out.
    pub must_change: bool,
}

impl fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedIn").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Signs a staff user in. Ten failures in a row lock the account for 15 minutes.
///
/// # Errors
/// `login-failed`, alike in answer and in cost, for an unknown name, a wrong password, a locked and
/// a disabled account; `too-many-logins`.
pub async fn login(oubli: &Oubli, name: &str, password: &Pii<String>) -> Result<SignedIn> {
    let password = password::normalised(password);
    // The turn comes before the look: what waited in the queue sees the lock that failures before
    // it set.
    let turn = oubli.password_gate().turn().await?;
    let found = users::by_name(&mut oubli.data().conn().await?, name).await?;
    let known = found.as_ref().map(|user| Known::of(user, oubli.now()));
    let user = found.filter(|user| may_try(user, oubli.now()) && password::is_possible(&password));
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let (turn, right) = password::verify(oubli, turn, password, hash).await?;
    match user {
        Some(user) if right => open_session(oubli, &user).await,
        _ => {
            let failed = Failed::of(oubli, name, known.as_ref());
            remember_failure(oubli, failed, turn);
            Err(Code::LoginFailed.into())
        }
    }
}

/// Writes a failure down in the background, for known and unknown names alike: nobody waits for it,
/// so that time does not tell them apart. The turn ends only when the failure is counted.
pub(super) fn remember_failure(oubli: &Oubli, failed: Failed, turn: Turn) {
    let (data, now) = (oubli.data().clone(), oubli.now());
    oubli.tasks().spawn(async move {
        failed.remember(&data, now).await;
        drop(turn);
    });
}

/// Whether a password may be tried: the account is neither locked nor disabled, and a temporary
/// password has not expired.
pub(super) fn may_try(user: &users::User, now: Time) -> bool {
    user.disabled_at.is_none()
        && !user.locked_until.is_some_and(|until| is_locked(until, now))
        && user.password_expires_at.is_none_or(|until| now < until)
}

/// No lock ends later than one that began now on a node whose clock is ahead: one that says so is from
/// before the clock stepped back, and would shut the last admin out for as long.
fn is_locked(until: Time, now: Time) -> bool {
    now < until && until <= now.plus_seconds(LOCKED_SECONDS + CLOCKS_SECONDS)
}

async fn open_session(oubli: &Oubli, user: &users::User) -> Result<SignedIn> {
    let now = oubli.now();
    let session = SessionId::fresh(now);
    let (id, hash) = (user.user, user.password_hash.clone());
    let users::User { role, must_change, .. } = oubli
        .data()
        .write("staff.login", move |tx| {
            let hash = hash.clone();
            Box::pin(async move { insert_session(tx, id, &hash, session, now).await })
        })
        .await?;
    tracing::info!(user = %id, %session, "signed in");
    let mut claims = Claims::new(oubli, id.to_string(), now, SESSION_SECONDS);
    STAFF_CLIENT.clone_into(&mut claims.client_id);
    claims.scope = role.scopes().to_string();
    claims.sid = Some(session);
    claims.role = Some(role);
    let access_token = claims.sign(oubli).await?;
    Ok(SignedIn { access_token, expires_in: SESSION_SECONDS, user: id, role, must_change })
}

/// Opens the session, unless the account was locked or disabled or its password replaced while
/// this one was checked.
async fn insert_session(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    session: SessionId,
    now: Time,
) -> Result<users::User, StoreError> {
    let stored = users::by_id(tx, user).await?;
    let Some(stored) = stored.filter(|u| may_try(u, now) && u.password_hash == hash) else {
        return Err(StoreError::Refused(Code::LoginFailed.into()));
    };
    // Also when there is none to clear: a new password that is set meanwhile meets this write, runs
    // again and then ends this session. A lock on the row alone would not make it run again.
    users::clear_failures(tx, user).await?;
    sign_ins::insert(tx, user, Outcome::Ok, now).await?;
    sessions::insert(tx, session, user, now, now.plus_seconds(SESSION_SECONDS.into())).await?;
    Ok(stored)
}

/// What is known of the account that a failed attempt was for.
#[derive(Clone, Copy)]
pub(super) struct Known {
    user: UserId,
    outcome: Outcome,
}

impl Known {
    pub(super) fn of(user: &users::User, now: Time) -> Self {
        let outcome = if user.disabled_at.is_some() {
            Outcome::Disabled
        } else if user.locked_until.is_some_and(|until| is_locked(until, now)) {
            Outcome::Locked
        } else {
            Outcome::WrongPassword
        };
        Self { user: user.user, outcome }
    }
}

/// An attempt that failed, without what was typed.
#[derive(Clone, Copy)]
pub(super) enum Failed {
    User(Known),
    Unknown([u8; 32]),
}

impl Failed {
    pub(super) fn of(oubli: &Oubli, name: &str, known: Option<&Known>) -> Self {
        match known {
            Some(known) => Self::User(*known),
            None => Self::Unknown(oubli.secrets().mac.mac(UNKNOWN_NAME, &[name.as_bytes()])),
        }
    }

    async fn remember(self, data: &Db, now: Time) {
        let written = data.write("staff.login_failed", move |tx| Box::pin(self.write(tx, now)));
        match (written.await, self) {
            (Ok(locked), Self::User(known)) => {
                tracing::info!(user = %known.user, locked, "a sign-in failed");
            }
            (Ok(_), Self::Unknown(_)) => tracing::info!("a sign-in under an unknown name failed"),
            (Err(error), _) => tracing::error!(%error, "a failed sign-in was not counted"),
        }
    }

    /// Tells whether the account was locked by it.
    async fn write(self, tx: &mut Tx, now: Time) -> Result<bool, StoreError> {
        match self {
            Self::Unknown(mac) => sign_ins::count_unknown(tx, &mac, now).await.map(|()| false),
            Self::User(Known { user, outcome }) => {
                sign_ins::insert(tx, user, outcome, now).await?;
                match outcome {
                    Outcome::WrongPassword => add_failure(tx, user, now).await,
                    _ => Ok(false),
                }
            }
        }
    }
}

/// Counts a failure, and tells whether it locked the account.
async fn add_failure(tx: &mut Tx, user: UserId, now: Time) -> Result<bool, StoreError> {
    let Some(stored) = users::by_id(tx, user).await? else { return Ok(false) };
    let failed = stored.failed_logins.saturating_add(1);
    let locks = failed % FAILURES == 0;
    let until = if locks { Some(now.plus_seconds(LOCKED_SECONDS)) } else { stored.locked_until };
    users::record_failure(tx, user, failed, until).await?;
    Ok(locks)
}
