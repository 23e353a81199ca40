//! Log events: the leaf, which stays, and the payload, which goes with the person.

use oubli_domain::{AppId, EventId, SubjectId, Time};
use uuid::Uuid;

use crate::conn::{Conn, Tx};
use crate::error::Result;
use crate::statement::statements;

statements! {
    INSERT = "insert into events (app_id, event_id, at, type, actor, subject_ref, leaf) values ($1, $2, $3, $4, $5, $6, $7)";
    INSERT_PAYLOAD = "insert into event_payloads (app_id, event_id, subject_id, salt, payload) values ($1, $2, $3, $4, $5)";
    LIST = "select event_id, leaf from events where app_id = $1 and event_id > $2 order by event_id limit $3";
    READS_OF_SUBJECT = "select e.event_id, e.at, e.actor, p.payload from event_payloads p join events e on e.app_id = p.app_id and e.event_id = p.event_id where p.app_id = $1 and p.subject_id = $2 and p.event_id > $3 and e.type = $4 order by p.event_id limit $5";
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
}

/// Adds an event, in the transaction of the change it tells of.
///
/// # Errors
/// [`crate::StoreError::Duplicate`] when the id is there.
pub async fn insert(tx: &mut Tx, new: &NewEvent) -> Result<()> {
    let subject_ref = new.subject_ref.map(|r| r.to_vec());
    let (at, actor) = (new.at, new.actor.as_str());
    let args = (&new.app, new.event, at, new.kind, actor, subject_ref, &new.leaf);
    tx.execute_one(&INSERT, args).await?;
    if let Some(payload) = &new.payload {
        let salt = payload.salt.to_vec();
        let args = (&new.app, new.event, payload.subject, salt, &payload.json);
        tx.execute_one(&INSERT_PAYLOAD, args).await?;
    }
    Ok(())
}

/// The leaves of an app after `after`, in the order of their ids.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    conn: &mut Conn,
    app: &AppId,
    after: Option<EventId>,
    limit: i64,
) -> Result<Vec<(EventId, String)>> {
    let after = after.map_or(Uuid::nil(), |id| id.0);
    let rows: Vec<(Uuid, String)> = conn.all(&LIST, (app, after, limit)).await?;
    Ok(rows.into_iter().map(|(id, leaf)| (EventId(id), leaf)).collect())
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
