//! Finding apps.

use oubli_domain::{AppId, Code};
use oubli_store::apps;

use super::App;
use crate::auth::VisibleApps;
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// The caller's app.
///
/// # Errors
/// `app-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller) -> Result<App> {
    let stored = apps::get(&mut oubli.data().conn().await?, &caller.app).await?;
    stored.map(App::from).ok_or_else(|| Code::AppNotFound.into())
}

/// At most `limit` of the apps that a staff user may see, by name, from the one that follows
/// `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    visible: &VisibleApps,
    after: Option<&AppId>,
    limit: u32,
) -> Result<Vec<App>> {
    match visible {
        VisibleApps::All => {
            let stored = apps::list(&mut oubli.data().conn().await?, after, limit.into()).await?;
            Ok(stored.into_iter().map(App::from).collect())
        }
        VisibleApps::Only(named) => some(oubli, named, after, limit).await,
    }
}

/// Those of the named apps that exist. A user is given few, so each is looked up by itself.
async fn some(
    oubli: &Oubli,
    named: &[AppId],
    after: Option<&AppId>,
    limit: u32,
) -> Result<Vec<App>> {
    let mut wanted: Vec<_> = named.iter().filter(|app| Some(*app) > after).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut conn = oubli.data().snapshot().await?;
    let mut found = Vec::new();
    for name in wanted {
        if found.len() == limit as usize {
            break;
        }
        found.extend(apps::get(&mut conn, name).await?.map(App::from));
    }
    Ok(found)
}
