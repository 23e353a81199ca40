//! Signing in.

use std::fmt;

use oubli_domain::scope::Role;
use oubli_domain::{Code, Pii, SessionId, Time, UserId};
use oubli_store::staff::{sessions, users};
use oubli_store::{Db, StoreError, Tx};

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
    let user = found.filter(|user| may_try(user, oubli.now()) && password::is_possible(&password));
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let (turn, right) = password::verify(oubli, turn, password, hash).await?;
    match user {
        Some(user) if right => open_session(oubli, &user).await,
        Some(user) => {
            // Counting takes a write, which an unknown name does not: nobody waits for it, so that
            // time does not tell them apart. The turn ends only when the failure is counted.
            let (data, now) = (oubli.data().clone(), oubli.now());
            oubli.tasks().spawn(async move {
                count_failure(&data, user.user, now).await;
                drop(turn);
            });
            Err(Code::LoginFailed.into())
        }
        None => Err(Code::LoginFailed.into()),
    }
}

fn may_try(user: &users::User, now: Time) -> bool {
    user.disabled_at.is_none() && user.locked_until.is_none_or(|until| until <= now)
}

async fn open_session(oubli: &Oubli, user: &users::User) -> Result<SignedIn> {
    let now = oubli.now();
    let session = SessionId::fresh(now);
    let (id, hash) = (user.user, user.password_hash.clone());
    let role = oubli
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
    let access_token = claims.sign(oubli)?;
    Ok(SignedIn { access_token, expires_in: SESSION_SECONDS, user: id, role })
}

/// Opens the session, unless the account was locked or disabled or its password replaced while
/// this one was checked.
async fn insert_session(
    tx: &mut Tx,
    user: UserId,
    hash: &str,
    session: SessionId,
    now: Time,
) -> Result<Role, StoreError> {
    let stored = users::by_id(tx, user).await?;
    let Some(stored) = stored.filter(|u| may_try(u, now) && u.password_hash == hash) else {
        return Err(StoreError::Refused(Code::LoginFailed.into()));
    };
    // Also when there is none to clear: a new password that is set meanwhile meets this write, runs
    // again and then ends this session. A lock on the row alone would not make it run again.
    users::clear_failures(tx, user).await?;
    sessions::insert(tx, session, user, now, now.plus_seconds(SESSION_SECONDS.into())).await?;
    Ok(stored.role)
}

async fn count_failure(data: &Db, user: UserId, now: Time) {
    let counted =
        data.write("staff.login_failed", move |tx| Box::pin(add_failure(tx, user, now))).await;
    match counted {
        Ok(locked) => tracing::info!(%user, locked, "a sign-in failed"),
        Err(error) => tracing::error!(%user, %error, "a failed sign-in was not counted"),
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
