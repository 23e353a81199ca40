//! Looking at sessions, and ending them from elsewhere.

use oubli_domain::scope::Scope;
use oubli_domain::{Code, SessionId, UserId};
use oubli_store::StoreError;
use oubli_store::staff::{events, sessions};

pub use oubli_store::staff::sessions::Session;

use super::events::Told;
use super::manage::visible;
use crate::auth::Staff;
use crate::caller::Actor;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// The caller's own sessions that are open, oldest first.
///
/// # Errors
/// When the database does not answer.
pub async fn own_sessions(oubli: &Oubli, staff: &Staff) -> Result<Vec<Session>> {
    Ok(sessions::open(&mut oubli.data().conn().await?, staff.user, oubli.now()).await?)
}

/// The open sessions of a user whom the caller may see.
///
/// # Errors
/// `user-not-found`.
pub async fn sessions_of(oubli: &Oubli, staff: &Staff, user: UserId) -> Result<Vec<Session>> {
    visible(oubli, staff, user).await?;
    Ok(sessions::open(&mut oubli.data().conn().await?, user, oubli.now()).await?)
}

/// Ends a session: one's own, or, for who manages staff, anybody's whom they may see. It counts at
/// once on this node and within 5 seconds on others.
///
/// # Errors
/// `session-not-found` for one that is not open or not the caller's to end.
pub async fn end_session(oubli: &Oubli, staff: &Staff, session: SessionId) -> Result<()> {
    let now = oubli.now();
    let found = sessions::get(&mut oubli.data().conn().await?, session).await?;
    let found = found.filter(|found| found.is_open(now)).ok_or(Code::SessionNotFound)?;
    if found.user != staff.user {
        if !staff.role.scopes().has(Scope::StaffManage) {
            return Err(Code::SessionNotFound.into());
        }
        visible(oubli, staff, found.user).await.map_err(unseen)?;
    }
    let told = Told::new(&Actor::Staff(staff.user), now, "session.end").about(found.user);
    let event = told.fact("session", session.to_string()).event();
    let written = oubli.data().write("staff.end_session", move |tx| {
        let event = event.clone();
        Box::pin(async move {
            if !sessions::end(tx, session, now).await? {
                return Err(StoreError::Refused(Code::SessionNotFound.into()));
            }
            events::insert(tx, &event).await
        })
    });
    written.await?;
    oubli.verified_tokens().forget();
    tracing::info!(user = %staff.user, %session, "session ended");
    Ok(())
}

/// A session of somebody whom the caller does not see is as if it never was.
fn unseen(error: Error) -> Error {
    match error {
        Error::Refused(refusal) if refusal.code == Code::UserNotFound => {
            Code::SessionNotFound.into()
        }
        other => other,
    }
}
