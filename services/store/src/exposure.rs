//! Going over an app's log with whom each event is about, as far as anybody can still tell.

use std::collections::BTreeSet;

use oubli_domain::{AppId, EventId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::Conn;
use crate::error::{Result, StoreError};
use crate::lists;
use crate::statement::statements;

statements! {
    PAGE = "select e.event_id, e.at, e.type, e.subject_ref, e.leaf, s.subject_id, p.payload from events e left join event_payloads p on p.app_id = e.app_id and p.event_id = e.event_id left join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where e.app_id = $1 and e.event_id > $2 and e.event_id < $3 order by e.event_id limit $4";
    PAGE_OF_ACTOR = "select e.event_id, e.at, e.type, e.subject_ref, e.leaf, s.subject_id, p.payload from events e left join event_payloads p on p.app_id = e.app_id and p.event_id = e.event_id left join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where e.app_id = $1 and e.event_id > $2 and e.event_id < $3 and e.actor = $5 order by e.event_id limit $4";
    LIVING = lite "select unhex(r.value) from json_each($2) as r where exists (select 1 from events e join event_payloads p on p.app_id = e.app_id and p.event_id = e.event_id join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where e.app_id = $1 and e.subject_ref = unhex(r.value))"
             pg "select decode(r.value, 'hex') from jsonb_array_elements_text(cast(cast($2 as text) as jsonb)) as r(value) where exists (select 1 from events e join event_payloads p on p.app_id = e.app_id and p.event_id = e.event_id join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where e.app_id = $1 and e.subject_ref = decode(r.value, 'hex'))";
}

/// An event with whom it is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TracedEvent {
    /// Its id.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// What happened, such as `record.read`.
    pub kind: String,
    /// The pseudonym of the person it is about.
    pub subject_ref: Option<[u8; 32]>,
    /// Its leaf, RFC 8785 JSON.
    pub leaf: String,
    /// The person with the payload's JSON, while the person is there, is not being erased, and the
    /// payload was not purged.
    pub about: Option<(SubjectId, String)>,
}

#[derive(sqlx::FromRow)]
struct Row {
    event_id: Uuid,
    at: i64,
    r#type: String,
    subject_ref: Option<Vec<u8>>,
    leaf: String,
    subject_id: Option<Uuid>,
    payload: Option<String>,
}

impl Row {
    fn read(self) -> Result<TracedEvent> {
        Ok(TracedEvent {
            event: EventId(self.event_id),
            at: Time(self.at),
            kind: self.r#type,
            subject_ref: self.subject_ref.map(pseudonym).transpose()?,
            leaf: self.leaf,
            about: self.subject_id.map(SubjectId).zip(self.payload),
        })
    }
}

fn pseudonym(stored: Vec<u8>) -> Result<[u8; 32]> {
    stored.try_into().map_err(|_| StoreError::Damaged("events.subject_ref"))
}

/// At most `limit` events after `after` and before `end`, in the order of their ids; those of one
/// actor when it is given.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database does not answer.
pub async fn page(
    conn: &mut Conn,
    app: &AppId,
    actor: Option<&str>,
    after: EventId,
    end: EventId,
    limit: i64,
) -> Result<Vec<TracedEvent>> {
    let rows: Vec<Row> = match actor {
        Some(actor) => conn.all(&PAGE_OF_ACTOR, (app, after, end, limit, actor)).await?,
        None => conn.all(&PAGE, (app, after, end, limit)).await?,
    };
    rows.into_iter().map(Row::read).collect()
}

/// Those of the pseudonyms whose person is there and is not being erased.
///
/// # Errors
/// [`StoreError::Damaged`], or when the database does not answer.
pub async fn living(
    conn: &mut Conn,
    app: &AppId,
    pseudonyms: &[[u8; 32]],
) -> Result<BTreeSet<[u8; 32]>> {
    let list = lists::of_bytes(pseudonyms.iter().map(<[u8; 32]>::as_slice));
    let rows: Vec<(Vec<u8>,)> = conn.all(&LIVING, (app, list)).await?;
    rows.into_iter().map(|(found,)| pseudonym(found)).collect()
}
