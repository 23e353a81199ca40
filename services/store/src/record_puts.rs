//! A put of a record in one round trip, which needs no transaction around it: one statement on
//! PostgreSQL, and on SQLite a list of them, of which each does its work only if the one before did.
//! A transaction that began already takes the steps one by one: see [`crate::records`].

use oubli_domain::{AppId, Time};

use crate::conn::Tx;
use crate::error::{Result, StoreError};
use crate::events::NewEvent;
use crate::record_versions::{Version, names};
use crate::records::{StoredRecord, encode};
use crate::statement::statements;

statements! {
    INSERT_AT_ONCE = lite "insert into records (app_id, subject_id, category, record_id, version, created_at, updated_at, clock_start, body) select $1, $2, $3, $4, $5, $6, $7, $8, $9 where exists (select 1 from subjects, apps where subjects.app_id = $1 and subjects.subject_id = $2 and subjects.state = 'active' and subjects.last_contact = $11 and apps.app_id = $1 and apps.data_map_version = $10) and not exists (select 1 from records where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4); insert into record_versions (app_id, subject_id, category, record_id, version, at, actor, action, changed) select $1, $2, $3, $4, $5, $7, $12, $13, $14 where changes() = 1; insert into events (app_id, event_id, at, type, actor, subject_ref, leaf) select $1, $15, $16, $17, $18, $19, $20 where changes() = 1; insert into event_payloads (app_id, event_id, subject_id, salt, payload, of_read) select $1, $15, $2, $21, $22, $23 where changes() = 1; select changes()"
                     pg "with locked as (select 1 from subjects where app_id = $1 and subject_id = $2 and state = 'active' and last_contact = $11 for share), put as (insert into records (app_id, subject_id, category, record_id, version, created_at, updated_at, clock_start, body) select $1, $2, $3, $4, $5, $6, $7, $8, $9 from locked, apps where apps.app_id = $1 and apps.data_map_version = $10 returning 1), version as (insert into record_versions (app_id, subject_id, category, record_id, version, at, actor, action, changed) select $1, $2, $3, $4, $5, $7, $12, $13, $14 from put), event as (insert into events (app_id, event_id, at, type, actor, subject_ref, leaf) select $1, $15, $16, $17, $18, $19, $20 from put), payload as (insert into event_payloads (app_id, event_id, subject_id, salt, payload, of_read) select $1, $15, $2, $21, $22, $23 from put) select count(*) from put";
    UPDATE_AT_ONCE = lite "update records set version = $5, created_at = $6, updated_at = $7, clock_start = $8, body = $9 where app_id = $1 and subject_id = $2 and category = $3 and record_id = $4 and version = $5 - 1 and exists (select 1 from subjects, apps where subjects.app_id = $1 and subjects.subject_id = $2 and subjects.state = 'active' and subjects.last_contact = $11 and subjects.holds = 0 and apps.app_id = $1 and apps.data_map_version = $10); insert into record_versions (app_id, subject_id, category, record_id, version, at, actor, action, changed) select $1, $2, $3, $4, $5, $7, $12, $13, $14 where changes() = 1; insert into events (app_id, event_id, at, type, actor, subject_ref, leaf) select $1, $15, $16, $17, $18, $19, $20 where changes() = 1; insert into event_payloads (app_id, event_id, subject_id, salt, payload, of_read) select $1, $15, $2, $21, $22, $23 where changes() = 1; select changes()"
                     pg "with locked as (select 1 from subjects where app_id = $1 and subject_id = $2 and state = 'active' and last_contact = $11 and holds = 0 for share), put as (update records set version = $5, created_at = $6, updated_at = $7, clock_start = $8, body = $9 from locked, apps where records.app_id = $1 and records.subject_id = $2 and records.category = $3 and records.record_id = $4 and records.version = $5 - 1 and apps.app_id = $1 and apps.data_map_version = $10 returning 1), version as (insert into record_versions (app_id, subject_id, category, record_id, version, at, actor, action, changed) select $1, $2, $3, $4, $5, $7, $12, $13, $14 from put), event as (insert into events (app_id, event_id, at, type, actor, subject_ref, leaf) select $1, $15, $16, $17, $18, $19, $20 from put), payload as (insert into event_payloads (app_id, event_id, subject_id, salt, payload, of_read) select $1, $15, $2, $21, $22, $23 from put) select count(*) from put";
}

/// A put with all that a transaction writes of it.
#[derive(Clone, Copy, Debug)]
pub struct Put<'p> {
    /// The record as it is afterwards.
    pub record: &'p StoredRecord,
    /// Whether one was there before, at the version before.
    pub replaces: bool,
    /// The data map that allows it.
    pub map: i64,
    /// When the person last made contact.
    pub last_contact: Time,
    /// The line of its history, of the record's version and time.
    pub version: &'p Version,
    /// Its event.
    pub event: &'p NewEvent,
}

/// Puts a record where that can be the whole transaction: before anything else ran in it. It locks the
/// subject as [`crate::subjects::lock`] does, and replaces nothing of one on whom a hold stands. False
/// when nothing was done, for whatever reason: the steps one by one find it out.
///
/// # Errors
/// [`StoreError::Stale`] when another transaction made the record or the version.
pub async fn put_at_once(tx: &mut Tx, app: &AppId, put: Put<'_>) -> Result<bool> {
    let Put { record, version, event, .. } = put;
    let Some(payload) = event.payload.as_ref().filter(|_| tx.is_untouched()) else {
        return Ok(false);
    };
    let key = &record.key;
    let (category, name, changed) = (&key.category, &key.record, names(&version.changed));
    let subject_ref = event.subject_ref.as_ref().map(<[u8; 32]>::as_slice);
    let (version_actor, action) = (version.actor.as_str(), version.change.as_str());
    let (body, start) = (encode(&record.fields)?, record.clock_start);
    #[rustfmt::skip]
    let args = (
        app, key.subject, category, name, record.version, record.created_at, record.updated_at, start,
        body, put.map, put.last_contact, version_actor, action, changed,
        event.event, event.at, event.kind, event.actor.as_str(), subject_ref, &event.leaf,
        payload.salt.as_slice(), &payload.json, payload.of_read,
    );
    let statement = if put.replaces { &UPDATE_AT_ONCE } else { &INSERT_AT_ONCE };
    match tx.alone::<(i64,)>(statement, args).await {
        Ok((1,)) => Ok(true),
        Ok(_) => {
            tx.did_nothing();
            Ok(false)
        }
        Err(StoreError::Duplicate { .. }) => Err(StoreError::Stale),
        Err(error) => Err(error),
    }
}
