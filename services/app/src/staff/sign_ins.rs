//! Reading the log of sign-ins, and forgetting what is old in it.

use oubli_domain::scope::Scope;
use oubli_domain::{Code, EventId, Time, UserId};
use oubli_store::staff::sign_ins::{self, Query};

pub use oubli_store::staff::sign_ins::SignIn;

use crate::auth::{Staff, VisibleApps};
use crate::error::Result;
use crate::oubli::Oubli;

/// How long sign-ins are kept: 365 days.
const KEPT_SECONDS: i64 = 365 * 86_400;

/// Which sign-ins are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignInsQuery {
    /// Those of this user only.
    pub user: Option<UserId>,
    /// From this time on.
    pub from: Option<Time>,
    /// Before this time.
    pub to: Option<Time>,
    /// Those that follow this one.
    pub after: Option<EventId>,
    /// How many at most.
    pub limit: u32,
}

/// Sign-ins, oldest first: everybody's for who reads staff accounts and sees every app, one's own for
/// others.
///
/// # Errors
/// `insufficient-scope` for somebody else's, unless the caller may see everybody's.
pub async fn sign_ins(oubli: &Oubli, staff: &Staff, query: SignInsQuery) -> Result<Vec<SignIn>> {
    let of_all = staff.role.scopes().has(Scope::StaffRead) && staff.apps == VisibleApps::All;
    if !of_all && query.user.is_some_and(|user| user != staff.user) {
        return Err(Code::InsufficientScope.into());
    }
    let query = Query {
        user: if of_all { query.user } else { Some(staff.user) },
        from: query.from.unwrap_or(Time(0)),
        to: query.to.unwrap_or(Time(i64::MAX)),
        after: query.after,
        limit: query.limit.into(),
    };
    Ok(sign_ins::list(&mut oubli.data().conn().await?, &query).await?)
}

/// Deletes what is older than 365 days, at most `limit` rows in one transaction.
pub(crate) async fn purge_sign_ins(oubli: &Oubli, limit: i64) -> Result<()> {
    let before = oubli.now().plus_seconds(-KEPT_SECONDS);
    loop {
        let purge = oubli.data().write("sign_ins.purge", move |tx| {
            Box::pin(async move { sign_ins::purge(tx, before, limit).await })
        });
        if purge.await? < limit.unsigned_abs() {
            return Ok(());
        }
    }
}
