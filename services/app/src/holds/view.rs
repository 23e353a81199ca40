//! Looking at holds.

use oubli_domain::hold::{HoldScope, LegalGround, ReleaseReason};
use oubli_domain::{AppId, Code, HoldId, Pii, RequestId, SubjectId, Time};
use oubli_store::holds::{self, Filter, Hold};
use oubli_vault::Label;
use serde_json::json;

use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::oubli::Oubli;

/// A hold as it is shown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldInfo {
    /// Its id.
    pub hold: HoldId,
    /// Whose data it holds; none once the person was erased.
    pub subject: Option<SubjectId>,
    /// The erasure of which it kept something.
    pub request: Option<RequestId>,
    /// What it covers.
    pub scope: HoldScope,
    /// Why it stands.
    pub ground: LegalGround,
    /// The law or file that it rests on.
    pub legal_reference: String,
    /// When it was set.
    pub created_at: Time,
    /// Which member of staff set it.
    pub created_by: String,
    /// When it was released.
    pub released_at: Option<Time>,
    /// Which member of staff released it.
    pub released_by: Option<String>,
    /// Why it was released.
    pub release_reason: Option<ReleaseReason>,
}

impl From<Hold> for HoldInfo {
    fn from(row: Hold) -> Self {
        let (at, by, reason) = match row.released {
            Some(released) => (Some(released.at), Some(released.by), Some(released.reason)),
            None => (None, None, None),
        };
        Self {
            hold: row.hold,
            subject: row.subject,
            request: row.request,
            scope: row.scope,
            ground: row.ground,
            legal_reference: row.legal_reference,
            created_at: row.created_at,
            created_by: row.created_by,
            released_at: at,
            released_by: by,
            release_reason: reason,
        }
    }
}

/// One hold, with the note that stands beside it as long as the person does. A note may speak of the
/// person: that it was read is in the log before it is answered.
///
/// # Errors
/// `hold-not-found`; `subject-erasing` for one with a note.
pub async fn get(
    oubli: &Oubli,
    caller: &Caller,
    hold: HoldId,
) -> Result<(HoldInfo, Option<Pii<String>>)> {
    let row = holds::get(&mut oubli.data().conn().await?, &caller.app, hold).await?;
    let row = row.ok_or(Code::HoldNotFound)?;
    let note = match (row.subject, &row.note) {
        (Some(subject), Some(sealed)) => Some(note(oubli, caller, subject, hold, sealed).await?),
        _ => None,
    };
    Ok((row.into(), note))
}

async fn note(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
    hold: HoldId,
    sealed: &[u8],
) -> Result<Pii<String>> {
    let app: &AppId = &caller.app;
    let (key, id) = (oubli.keyring().data_key(app, subject).await?, hold.to_string());
    let plain = key.open(&key.context(Label::HoldNote, "", &id, ""), sealed)?;
    let text = String::from_utf8(plain.to_vec()).map_err(|_| Error::Damaged("holds.note"))?;
    let entry = Entry::about(subject, &key).payload(json!({ "hold": id }));
    oubli.reads().record(entry.event(app, &caller.actor, oubli.now(), "hold.read")).await?;
    Ok(Pii::new(text))
}

/// At most `limit` holds after `after`, oldest first, without their notes.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    filter: Filter,
    after: Option<HoldId>,
    limit: u32,
) -> Result<Vec<HoldInfo>> {
    let mut conn = oubli.data().conn().await?;
    let rows = holds::list(&mut conn, &caller.app, filter, after, limit.into()).await?;
    Ok(rows.into_iter().map(HoldInfo::from).collect())
}
