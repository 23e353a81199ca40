//! Log events: the leaf, which stays, and the payload, which goes with the person.

use std::collections::BTreeMap;

use oubli_domain::{AppId, EventId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::inserts::inserts;
use crate::lists;
use crate::statement::{Statement, statements};

statements! {
    // The indexes serve one filter each: which of the first four is asked depends on what is given.
    LIST = "select event_id, leaf from events where app_id = $1 and event_id > $2 and event_id <= $3 and at >= $4 and at < $5 and (actor = $6 or $6 is null) and (type = $7 or $7 is null) and (subject_ref = $8 or $8 is null) order by event_id limit $9";
    LIST_OF_ACTOR = "select event_id, leaf from events where app_id = $1 and event_id > $2 and event_id <= $3 and at >= $4 and at < $5 and actor = $6 and (type = $7 or $7 is null) and (subject_ref = $8 or $8 is null) order by event_id limit $9";
    LIST_OF_TYPE = "select event_id, leaf from events where app_id = $1 and event_id > $2 and event_id <= $3 and at >= $4 and at < $5 and (actor = $6 or $6 is null) and type = $7 and (subject_ref = $8 or $8 is null) order by event_id limit $9";
    LIST_OF_SUBJECT = "select event_id, leaf from events where app_id = $1 and event_id > $2 and event_id <= $3 and at >= $4 and at < $5 and (actor = $6 or $6 is null) and (type = $7 or $7 is null) and subject_ref = $8 order by event_id limit $9";
    NEWEST = "select event_id from events where app_id = $1 order by event_id desc limit 1";
    PAYLOADS = lite "select p.event_id, p.payload from event_payloads p join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where p.app_id = $1 and p.event_id in (select unhex(value) from json_each($2))"
               pg "select p.event_id, p.payload from event_payloads p join subjects s on s.app_id = p.app_id and s.subject_id = p.subject_id and s.state <> 'erasing' where p.app_id = $1 and p.event_id = any(array(select cast(value as uuid) from jsonb_array_elements_text(cast(cast($2 as text) as jsonb))))";
    FIRST_READ_PAYLOAD = "select event_id from event_payloads where app_id = $1 and of_read and event_id < $2 order by event_id limit 1";
    PURGE_READ_PAYLOADS = "delete from event_payloads where app_id = $1 and event_id in (select event_id from event_payloads where app_id = $1 and of_read and event_id < $2 order by event_id limit $3)";
    READS_OF_SUBJECT = "select e.event_id, e.at, e.actor, p.payload from event_payloads p join events e on e.app_id = p.app_id and e.event_id = p.event_id where p.app_id = $1 and p.subject_id = $2 and p.event_id > $3 and e.type = $4 order by p.event_id limit $5";
}

inserts! {
    INSERT = "events" (app_id text, event_id uuid, at bigint, type text, actor text, subject_ref bytea, leaf text);
    INSERT_PAYLOAD = "event_payloads" (app_id text, event_id uuid, subject_id uuid, salt bytea, payload text, of_read boolean);
}

/// A new event. The caller made its leaf, so that what is stored is exactly what was hashed.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// Its id.
    pub event: EventId,
    /// Which app's log.
    pub app: AppId,
    /// When.
    pub at: Time,
    /// What happened, such as `record.put`.
    pub kind: &'static str,
    /// Which client or staff user did it.
    pub actor: String,
    /// Who it is about, as the pseudonym that dies with the person's key.
    pub subject_ref: Option<[u8; 32]>,
    /// RFC 8785 JSON, without personal data.
    pub leaf: String,
    /// What is known of it as long as the person is.
    pub payload: Option<Payload>,
}

/// What an event says beyond its leaf. It holds names and ids, never values.
#[derive(Clone, Debug)]
pub struct Payload {
    /// Whose it is.
    pub subject: SubjectId,
    /// What was hashed with it, so that the hash in the leaf cannot be guessed.
    pub salt: [u8; 16],
    /// RFC 8785 JSON.
    pub json: String,
    /// Whether it says what was read: such a payload goes when it is old.
    pub of_read: bool,
}

/// Adds an event, in the transaction of the change it tells of.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id is there.
pub async fn insert(tx: &mut Tx, new: &NewEvent) -> Result<()> {
    insert_many(tx, &[new]).await
}

/// Adds events, each in the transaction of the change it tells of.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id of one is there.
pub async fn insert_many(tx: &mut Tx, new: &[&NewEvent]) -> Result<()> {
    let rows = new.iter().map(|new| {
        let subject_ref = new.subject_ref.map(|r| r.to_vec());
        let (at, actor) = (new.at, new.actor.as_str());
        (&new.app, new.event, at, new.kind, actor, subject_ref, &new.leaf)
    });
    let rows: Vec<_> = rows.collect();
    let payloads = new.iter().filter_map(|new| {
        let Payload { subject, salt, json, of_read } = new.payload.as_ref()?;
        Some((&new.app, new.event, *subject, salt.as_slice(), json, *of_read))
    });
    let payloads: Vec<_> = payloads.collect();
    INSERT.all(tx, rows).await?;
    INSERT_PAYLOAD.all(tx, payloads).await
}

/// Which events of an app are looked for. What is none selects nothing.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Search {
    /// Those about the person of this pseudonym.
    pub subject_ref: Option<[u8; 32]>,
    /// Those of this client or member of staff, as events name it.
    pub actor: Option<String>,
    /// Those of this type.
    pub kind: Option<String>,
    /// Those from this time on.
    pub from: Option<Time>,
    /// Those before this time.
    pub to: Option<Time>,
    /// Those up to this one.
    pub until: Option<EventId>,
}

impl Search {
    /// The statement whose index serves the narrowest of the filters.
    fn statement(&self) -> &'static Statement {
        if self.subject_ref.is_some() {
            &LIST_OF_SUBJECT
        } else if self.actor.is_some() {
            &LIST_OF_ACTOR
        } else if self.kind.is_some() {
            &LIST_OF_TYPE
        } else {
            &LIST
        }
    }

    /// The last id that can be found. The id of an event tells its millisecond: that of `to` is
    /// looked at as well, in which `at` decides.
    fn last(&self) -> EventId {
        let after_to = |to: Time| EventId::bound(Time(to.0.saturating_add(1_000)));
        let end = self.to.map_or(EventId(Uuid::max()), after_to);
        self.until.map_or(end, |until| until.min(end))
    }
}

/// The leaves of an app that a search finds after `after`, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    search: &Search,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<(EventId, String)>> {
    let first = search.from.map_or(EventId(Uuid::nil()), EventId::bound);
    let after = after.map_or(first, |after| after.max(first));
    let (from, to) = (search.from.unwrap_or(Time(0)), search.to.unwrap_or(Time(i64::MAX)));
    let (actor, kind) = (search.actor.clone(), search.kind.clone());
    let subject_ref = search.subject_ref.map(|r| r.to_vec());
    let args = (app, after, search.last(), from, to, actor, kind, subject_ref, limit);
    let rows: Vec<(Uuid, String)> = conn.all(search.statement(), args).await?;
    Ok(rows.into_iter().map(|(id, leaf)| (EventId(id), leaf)).collect())
}

/// The newest event of an app.
///
/// # Errors
/// When the database does not answer.
pub async fn newest(conn: &mut Conn, app: &AppId) -> Result<Option<EventId>> {
    let row: Option<(Uuid,)> = conn.optional(&NEWEST, (app,)).await?;
    Ok(row.map(|(event,)| EventId(event)))
}

/// The payloads of those of these events that have one, unless the person is being erased.
///
/// # Errors
/// When the database does not answer.
pub async fn payloads(
    conn: &mut Conn,
    app: &AppId,
    events: &[EventId],
) -> Result<BTreeMap<EventId, String>> {
    let ids = lists::of_bytes(events.iter().map(|id| id.0.as_bytes().as_slice()));
    let rows: Vec<(Uuid, String)> = conn.all(&PAYLOADS, (app, ids)).await?;
    Ok(rows.into_iter().map(|(id, payload)| (EventId(id), payload)).collect())
}

/// Whether any read event before `before` has a payload.
///
/// # Errors
/// When the database does not answer.
pub async fn has_read_payload(conn: &mut Conn, app: &AppId, before: EventId) -> Result<bool> {
    let row: Option<(Uuid,)> = conn.optional(&FIRST_READ_PAYLOAD, (app, before)).await?;
    Ok(row.is_some())
}

/// Deletes the payloads of read events before `before`, the oldest first and at most `limit`, and
/// gives how many it deleted.
///
/// # Errors
/// When the database does not answer.
pub async fn purge_read_payloads(
    tx: &mut Tx,
    app: &AppId,
    before: EventId,
    limit: i64,
) -> Result<u64> {
    tx.execute(&PURGE_READ_PAYLOADS, (app, before, limit)).await
}

/// One event of a kind about a subject, with its payload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectEvent {
    /// Its id.
    pub event: EventId,
    /// When.
    pub at: Time,
    /// Who did it.
    pub actor: String,
    /// The payload's JSON.
    pub payload: String,
}

/// The events of a kind about a subject after `after`.
///
/// # Errors
/// When the database does not answer.
pub async fn of_subject(
    conn: &mut Conn,
    app: &AppId,
    subject: SubjectId,
    kind: &str,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<SubjectEvent>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let args = (app, subject, after, kind, limit);
    let rows: Vec<(Uuid, i64, String, String)> = conn.all(&READS_OF_SUBJECT, args).await?;
    Ok(rows
        .into_iter()
        .map(|(event, at, actor, payload)| SubjectEvent {
            event: EventId(event),
            at: Time(at),
            actor,
            payload,
        })
        .collect())
}
