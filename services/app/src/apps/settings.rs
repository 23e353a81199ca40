//! The settings of an app.

use oubli_domain::Code;
use oubli_store::{StoreError, apps, events};

use crate::caller::{Call, Caller};
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::settings::Settings;

/// The settings in force.
///
/// # Errors
/// `app-not-found`.
pub async fn settings(oubli: &Oubli, caller: &Caller) -> Result<Settings> {
    let mut conn = oubli.data().snapshot().await?;
    Ok(oubli.model(&mut conn, &caller.app).await?.settings.clone())
}

/// Replaces the settings; a member that was left out gets its default. They are logged as they
/// are, since they say nothing of people.
///
/// # Errors
/// `app-not-found`; `invalid-body` with each member that is out of bounds.
pub async fn put_settings(oubli: &Oubli, call: &Call, new: Settings) -> Result<Settings> {
    new.check()?;
    let (app, now) = (call.caller.app.clone(), oubli.now());
    let value = serde_json::to_value(&new).map_err(|_| Error::Damaged("settings"))?;
    let text = value.to_string();
    let event =
        Entry::new().fact("settings", value).event(&app, &call.caller.actor, now, "settings.put");
    oubli
        .write_once("apps.put_settings", call, None, Answer::Repeatable, move |tx| {
            let (app, text, event, new) = (app.clone(), text.clone(), event.clone(), new.clone());
            Box::pin(async move {
                apps::set_settings(tx, &app, &text).await.map_err(missing)?;
                events::insert(tx, &event).await?;
                Ok(new)
            })
        })
        .await
}

fn missing(error: StoreError) -> StoreError {
    match error {
        StoreError::RowCount { actual: 0, .. } => StoreError::Refused(Code::AppNotFound.into()),
        other => other,
    }
}
