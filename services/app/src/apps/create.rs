//! Creating an app.

use oubli_domain::{AppId, Code, Time};
use oubli_store::apps::NewApp;
use oubli_store::{StoreError, apps as stored, events};
use serde::{Deserialize, Serialize};

use super::check_title;
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::settings::Settings;

/// An app that was created.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Created {
    /// Its name in every path.
    pub app: AppId,
    /// When.
    pub created_at: Time,
}

/// Creates the app that the call names, with default settings. Its keys are made first, in the
/// other database: keys without an app harm nobody, and the next attempt takes them over.
///
/// # Errors
/// `app-exists`, also for the name of an app that was deleted; `invalid-body` for a title that is not 1 to 120 characters on one line.
pub async fn create(oubli: &Oubli, call: &Call, title: &str) -> Result<Created> {
    check_title(title)?;
    let created = try_create(oubli, call, title).await;
    oubli.or_earlier(call, created).await
}

async fn try_create(oubli: &Oubli, call: &Call, title: &str) -> Result<Created> {
    let (app, now) = (call.caller.app.clone(), oubli.now());
    if let Some(earlier) = oubli.earlier_answer(call, now).await? {
        return Ok(earlier);
    }
    if stored::state(&mut oubli.data().conn().await?, &app).await?.is_some() {
        // Before keys are made: those of a deleted app would stay for ever.
        return Err(Code::AppExists.into());
    }
    oubli.keyring().create_app(&app, now).await?;
    let settings_json = serde_json::to_string(&Settings::default())
        .map_err(|_| Error::Damaged("the default settings"))?;
    let new = NewApp { app: app.clone(), title: title.to_owned(), settings_json, created_at: now };
    let event = Entry::new().event(&app, &call.caller.actor, now, "app.create");
    oubli
        .write_once("apps.create", call, None, Answer::Repeatable, move |tx| {
            let (new, event) = (new.clone(), event.clone());
            Box::pin(async move {
                stored::insert(tx, &new).await.map_err(taken)?;
                events::insert(tx, &event).await?;
                Ok(Created { app: new.app, created_at: new.created_at })
            })
        })
        .await
}

fn taken(error: StoreError) -> StoreError {
    match error {
        StoreError::Duplicate { .. } => StoreError::Refused(Code::AppExists.into()),
        other => other,
    }
}
