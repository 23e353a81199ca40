//! Finding apps.

use oubli_domain::{AppId, AppState, Code};
use oubli_store::{app_deletions, apps};

use super::App;
use crate::auth::VisibleApps;
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// The caller's app.
///
/// # Errors
/// `app-not-found`, also when its deletion was approved.
pub async fn get(oubli: &Oubli, caller: &Caller) -> Result<App> {
    let stored = apps::get(&mut oubli.data().conn().await?, &caller.app).await?;
    let standing = stored.filter(|app| app.state == AppState::Active);
    let mut app = standing.map(App::from).ok_or(Code::AppNotFound)?;
    mark_proposed(oubli, std::slice::from_mut(&mut app)).await?;
    Ok(app)
}

/// At most `limit` of the apps that a staff user may see, by name, from the one that follows
/// `after`. Those that were deleted are among them: their names stay taken.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    visible: &VisibleApps,
    after: Option<&AppId>,
    limit: u32,
) -> Result<Vec<App>> {
    let mut found = match visible {
        VisibleApps::All => {
            let stored = apps::list(&mut oubli.data().conn().await?, after, limit.into()).await?;
            stored.into_iter().map(App::from).collect()
        }
        VisibleApps::Only(named) => some(oubli, named, after, limit).await?,
    };
    mark_proposed(oubli, &mut found).await?;
    Ok(found)
}

/// Finds out whose deletion is proposed.
async fn mark_proposed(oubli: &Oubli, found: &mut [App]) -> Result<()> {
    let mut conn = oubli.data().conn().await?;
    let proposed = app_deletions::proposed(&mut conn, oubli.now()).await?;
    for app in found {
        app.deletion_proposed = proposed.contains(&app.app);
    }
    Ok(())
}

/// Refuses an app that is being deleted, or was, for staff. One that never was is left to the use
/// case.
///
/// # Errors
/// `app-deleting`; `app-not-found` once it was deleted.
pub async fn require_standing(oubli: &Oubli, app: &AppId) -> Result<()> {
    match apps::state(&mut oubli.data().conn().await?, app).await? {
        Some(AppState::Deleting) => Err(Code::AppDeleting.into()),
        Some(AppState::Deleted) => Err(Code::AppNotFound.into()),
        Some(AppState::Active) | None => Ok(()),
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
