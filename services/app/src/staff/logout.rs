//! Signing out.

use oubli_store::staff::sessions;

use crate::auth::Staff;
use crate::error::Result;
use crate::oubli::Oubli;

/// Ends the session of a staff user: its token is worth nothing, at once on this node and within 5
/// seconds on others.
///
/// # Errors
/// When the database does not answer.
pub async fn logout(oubli: &Oubli, staff: &Staff) -> Result<()> {
    let (session, now) = (staff.session, oubli.now());
    oubli.data().write("staff.logout", move |tx| Box::pin(sessions::end(tx, session, now))).await?;
    oubli.verified_tokens().forget();
    tracing::info!(user = %staff.user, %session, "signed out");
    Ok(())
}
