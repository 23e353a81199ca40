//! Changing one's own password.

use oubli_domain::{Code, Pii, Refusal};
use oubli_store::StoreError;
use oubli_store::staff::users::NewPassword;
use oubli_store::staff::{events, sessions, users};

use super::events::Told;
use super::login::{Failed, Known, may_try, remember_failure};
use super::password;
use crate::auth::Staff;
use crate::caller::Actor;
use crate::error::Result;
use crate::oubli::Oubli;

/// Replaces the password of the user who is signed in, and ends all their other sessions. A wrong
/// current password counts like a failed sign-in.
///
/// # Errors
/// `wrong-password` when the current one is wrong or the account is locked; `invalid-body` when the
/// new one is out of bounds, easily guessed or the current one; `too-many-logins`.
pub async fn change_password(
    oubli: &Oubli,
    staff: &Staff,
    current: &Pii<String>,
    new: &Pii<String>,
) -> Result<()> {
    let (current, new) = (password::normalised(current), password::normalised(new));
    let turn = oubli.password_gate().turn().await?;
    let stored = users::by_id(&mut oubli.data().conn().await?, staff.user).await?;
    let stored = stored.ok_or(Code::Unauthenticated)?;
    password::check(&new, &stored.name, "/new")?;
    if current == new {
        let rule = "must differ from the current one";
        return Err(Refusal::new(Code::InvalidBody).at("/new", rule).into());
    }
    let may = may_try(&stored, oubli.now()) && password::is_possible(&current);
    let hash = may.then(|| stored.password_hash.clone());
    let (turn, right) = password::verify(oubli, turn, current, hash).await?;
    if !(may && right) {
        let known = Known::of(&stored, oubli.now());
        remember_failure(oubli, Failed::of(oubli, &stored.name, Some(&known)), turn);
        return Err(Code::WrongPassword.into());
    }
    drop(turn);
    let hash = password::hash(oubli, new).await?;
    store(oubli, staff, stored.password_hash, hash).await
}

/// Stores the new hash, unless the password was replaced while this one was checked.
async fn store(oubli: &Oubli, staff: &Staff, checked: String, hash: String) -> Result<()> {
    let (user, session, now) = (staff.user, staff.session, oubli.now());
    let event = Told::new(&Actor::Staff(user), now, "user.change_password").about(user).event();
    let new = NewPassword { hash, must_change: false, expires_at: None };
    let written = oubli.data().write("staff.change_password", move |tx| {
        let (checked, new, event) = (checked.clone(), new.clone(), event.clone());
        Box::pin(async move {
            let stored = users::by_id(tx, user).await?;
            if stored.is_none_or(|stored| stored.password_hash != checked) {
                return Err(StoreError::Refused(Code::WrongPassword.into()));
            }
            users::set_password(tx, user, &new).await?;
            events::insert(tx, &event).await?;
            sessions::end_others(tx, user, session, now).await
        })
    });
    written.await?;
    oubli.verified_tokens().forget();
    tracing::info!(%user, "password changed");
    Ok(())
}
