//! Setting a hold.

use oubli_domain::hold::{HoldScope, LegalGround, check_note, check_reference};
use oubli_domain::{AppId, HoldId, Pii, SubjectId, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::holds::{self, Hold};
use oubli_store::{Result as StoreResult, Tx, apps, subjects};
use oubli_vault::Label;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::caller::Call;
use crate::error::Result;
use crate::log::Entry;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::subjects::{SubjectSelector, resolve};

/// A hold as staff ask for it.
#[derive(Clone, Debug)]
pub struct NewHold {
    /// Whose data.
    pub subject: SubjectSelector,
    /// What of it.
    pub scope: HoldScope,
    /// Why.
    pub ground: LegalGround,
    /// The law or file that it rests on. It stands in certificates, in clear.
    pub legal_reference: String,
    /// What else there is to say. It may speak of the person, so it is sealed under their key.
    pub note: Option<Pii<String>>,
}

/// A hold that was set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SetHold {
    /// Its id.
    pub hold: HoldId,
    /// Whose data it holds.
    pub subject: SubjectId,
    /// When it was set.
    pub created_at: Time,
}

/// Sets a hold. From the answer on nothing that it covers can be changed or deleted, and an erasure
/// keeps it.
///
/// # Errors
/// `invalid-body`, `unknown-category`, `invalid-identifier`; `subject-not-found`, `subject-erasing`.
pub async fn set(oubli: &Oubli, call: &Call, new: NewHold) -> Result<SetHold> {
    let set = try_set(oubli, call, new).await;
    oubli.or_earlier(call, set).await
}

async fn try_set(oubli: &Oubli, call: &Call, new: NewHold) -> Result<SetHold> {
    check_reference(&new.legal_reference)?;
    if let Some(note) = &new.note {
        check_note(note.expose())?;
    }
    let app = &call.caller.app;
    let mut conn = oubli.data().conn().await?;
    let model = oubli.model(&mut conn, app).await?;
    new.scope.check(model.map().ok())?;
    let subject = resolve(oubli, app, &model, &new.subject).await?;
    subjects::require(&mut conn, app, subject).await?;
    drop(conn);
    let draft = Draft::new(oubli, call, new, subject).await?;
    oubli
        .write_once("holds.set", call, Some(subject), Answer::Repeatable, move |tx| {
            let draft = draft.clone();
            Box::pin(async move { draft.insert(tx).await })
        })
        .await
}

/// A hold as it is about to be written.
#[derive(Clone)]
struct Draft {
    app: AppId,
    subject: SubjectId,
    row: Hold,
    event: NewEvent,
}

impl Draft {
    async fn new(oubli: &Oubli, call: &Call, new: NewHold, subject: SubjectId) -> Result<Self> {
        let (app, at) = (call.caller.app.clone(), oubli.now());
        let key = oubli.keyring().data_key(&app, subject).await?;
        let hold = HoldId::fresh(at);
        let id = hold.to_string();
        let seal = |note: &Pii<String>| {
            key.seal(&key.context(Label::HoldNote, "", &id, ""), note.expose().as_bytes())
        };
        let row = Hold {
            hold,
            subject: Some(subject),
            request: None,
            note: new.note.as_ref().map(seal).transpose()?,
            scope: new.scope,
            ground: new.ground,
            legal_reference: new.legal_reference,
            created_at: at,
            created_by: call.caller.actor.to_string(),
            released: None,
        };
        let event = Entry::about(subject, &key)
            .reason(row.ground.as_str())
            .fact("hold", id)
            .payload(json!(row.scope))
            .event(&app, &call.caller.actor, at, "hold.created");
        Ok(Self { app, subject, row, event })
    }

    async fn insert(&self, tx: &mut Tx) -> StoreResult<SetHold> {
        // An approval of the app's deletion either finds the hold or is found by this.
        apps::touch(tx, &self.app).await?;
        subjects::lock_alone(tx, &self.app, self.subject).await?;
        holds::insert(tx, &self.app, self.subject, &self.row).await?;
        events::insert(tx, &self.event).await?;
        Ok(SetHold { hold: self.row.hold, subject: self.subject, created_at: self.row.created_at })
    }
}
