//! Preparing a write: everything that a transaction must not do itself.

use std::sync::Arc;

use oubli_domain::hold::Lost;
use oubli_domain::record::{changed_names, validate_body};
use oubli_domain::{AppId, Code, Name, SubjectId, Time};
use oubli_store::events::{self, NewEvent};
use oubli_store::record_versions::{self, Change, Version};
use oubli_store::records::{self, RecordKey, StoredRecord};
use oubli_store::seen::OfWrite;
use oubli_store::subjects::{self, Subject};
use oubli_store::{Conn, Result as StoreResult, StoreError, Tx, record_puts};
use oubli_vault::DataKey;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::open::seal_fields;
use super::write::{IfMatch, Written};
use crate::caller::Caller;
use crate::error::Result;
use crate::holds::Guard;
use crate::log::Entry;
use crate::model::Model;

/// What is wanted of a record. It holds values, so it cannot be shown.
pub(super) enum Wanted {
    /// This body, whatever was there.
    Put(Value),
    /// The body that is there, merged with this (RFC 7396).
    Patch(Value),
    /// This body where no record is, made in the past.
    Import {
        /// The body.
        body: Value,
        /// When it was made, by the caller's word.
        created_at: Option<Time>,
    },
    /// Nothing.
    Delete,
}

/// What was read before a write.
pub(super) struct Seen {
    pub(super) model: Arc<Model>,
    current: Option<StoredRecord>,
    last_version: i64,
    last_contact: Time,
}

impl Seen {
    /// What a look at the place of a write saw.
    ///
    /// # Errors
    /// `subject-not-found`, `subject-erasing`, `subject-restricted`.
    pub(super) fn new(model: Arc<Model>, seen: OfWrite) -> Result<Self> {
        let last_contact = subjects::writable(seen.subject)?.last_contact;
        let OfWrite { record: current, last_version, .. } = seen;
        Ok(Self { model, current, last_version, last_contact })
    }

    /// The same where the model and the subject's row, if any, are read already.
    ///
    /// # Errors
    /// As [`Seen::new`].
    pub(super) async fn of(
        conn: &mut Conn,
        model: &Arc<Model>,
        subject: Option<Subject>,
        app: &AppId,
        key: &RecordKey,
    ) -> Result<Self> {
        let subject = subjects::writable(subject)?;
        let current = records::get(conn, app, key).await?;
        let last_version = match &current {
            Some(record) => record.version,
            None => records::last_version(conn, app, key).await?,
        };
        let model = Arc::clone(model);
        Ok(Self { model, current, last_version, last_contact: subject.last_contact })
    }

    /// The same where no record is; `last_version` is what one last had, 0 for none.
    ///
    /// # Errors
    /// As [`Seen::new`].
    pub(super) fn nothing(
        model: &Arc<Model>,
        subject: Option<Subject>,
        last_version: i64,
    ) -> Result<Self> {
        let last_contact = subjects::writable(subject)?.last_contact;
        Ok(Self { model: Arc::clone(model), current: None, last_version, last_contact })
    }
}

/// A write that only needs its transaction. It may be applied more than once.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    app: AppId,
    pub(super) key: RecordKey,
    /// The version of the data map that allows it, which must be in force.
    pub(super) map: i64,
    /// The last contact that its clock may count from, which must be the last still.
    pub(super) last_contact: Time,
    /// The version that must be there; none when no record must be.
    pub(super) base: Option<i64>,
    /// What is there afterwards; none for a deletion.
    pub(super) record: Option<StoredRecord>,
    /// What it takes away, which no hold may cover.
    pub(super) lost: Lost,
    pub(super) version: Version,
    pub(super) event: NewEvent,
    /// What the caller is told.
    pub(super) written: Written,
}

/// Validates, merges, numbers and encrypts.
///
/// # Errors
/// What the data map says against the body; `version-mismatch`; `record-not-found` where a record
/// must be there.
pub(super) fn prepare(
    caller: &Caller,
    data_key: &DataKey,
    key: &RecordKey,
    wanted: &Wanted,
    if_match: Option<IfMatch>,
    seen: &Seen,
    now: Time,
) -> Result<Prepared> {
    let current = seen.current.as_ref();
    check_match(if_match, current)?;
    let number = seen.last_version + 1;
    let before = match current {
        Some(record) => Some(Body::open(data_key, record, seen.model.map()?)?),
        None => None,
    };
    let after = Body::after(wanted, before.as_ref())?;
    let record = match &after {
        None => None,
        Some(body) => {
            let created_at = match (wanted, current) {
                (Wanted::Import { created_at, .. }, _) => created_at.unwrap_or(now),
                (_, Some(record)) => record.created_at,
                (_, None) => now,
            };
            Some(draft(data_key, key, number, body, seen, created_at, now)?)
        }
    };
    let change = match (&record, current) {
        (None, _) => Change::Deleted,
        (Some(_), None) => Change::Created,
        (Some(_), Some(_)) => Change::Updated,
    };
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let changed = changed_names(&before.members(), &after.members());
    let lost = lost(change, &before.members(), &changed);
    let imported = matches!(wanted, Wanted::Import { .. });
    let entry = entry(data_key, key, number, &changed, record.as_ref());
    let entry = if imported { entry.reason("import") } else { entry };
    let kind = match change {
        Change::Deleted => "record.deleted",
        Change::Created | Change::Updated => "record.put",
    };
    let event = entry.event(&caller.app, &caller.actor, now, kind);
    let actor = caller.actor.to_string();
    Ok(Prepared {
        app: caller.app.clone(),
        key: key.clone(),
        map: seen.model.app.data_map_version,
        last_contact: seen.last_contact,
        base: current.map(|r| r.version),
        record,
        lost,
        version: Version { version: number, at: now, actor, change, changed },
        event,
        written: Written { version: number, created: change == Change::Created, updated_at: now },
    })
}

/// What a write takes away of what was there.
fn lost(change: Change, before: &Map<String, Value>, changed: &[Name]) -> Lost {
    let had_value = |name: &&Name| before.contains_key(name.as_str());
    Lost {
        record: change == Change::Deleted,
        fields: changed.iter().filter(had_value).cloned().collect(),
    }
}

fn check_match(if_match: Option<IfMatch>, current: Option<&StoredRecord>) -> Result<()> {
    let holds = match if_match {
        None => true,
        Some(IfMatch::Any) => current.is_some(),
        Some(IfMatch::Version(version)) => current.is_some_and(|r| r.version == version),
        Some(IfMatch::Absent) => current.is_none(),
    };
    if holds { Ok(()) } else { Err(Code::VersionMismatch.into()) }
}

fn draft(
    data_key: &DataKey,
    key: &RecordKey,
    version: i64,
    body: &Body,
    seen: &Seen,
    created_at: Time,
    now: Time,
) -> Result<StoredRecord> {
    let map = seen.model.map()?;
    map.validate_record(&key.category, &body.declared)?;
    let clock_start =
        map.clock_start(&key.category, &body.declared, created_at, seen.last_contact)?;
    let members = body.members();
    if !body.is_declared() {
        // The bounds of a stored record count what is no longer declared, too.
        validate_body(&Value::Object(members.clone().into_owned()))?;
    }
    let fields = seal_fields(data_key, key, version, &members)?;
    Ok(StoredRecord { key: key.clone(), version, created_at, updated_at: now, clock_start, fields })
}

fn entry(
    data_key: &DataKey,
    key: &RecordKey,
    version: i64,
    changed: &[Name],
    record: Option<&StoredRecord>,
) -> Entry {
    let ciphertexts: Vec<&[u8]> = record
        .iter()
        .flat_map(|r| r.fields.iter().map(|field| field.ciphertext.as_slice()))
        .collect();
    Entry::about(key.subject, data_key)
        .record(version, &ciphertexts)
        .payload(json!({ "category": key.category, "record": key.record, "fields": changed }))
}

impl Prepared {
    /// The subject it is about.
    pub(super) fn subject(&self) -> SubjectId {
        self.key.subject
    }

    /// What a transaction of many writes is sorted by.
    pub(super) fn place(&self) -> (SubjectId, &str, &str) {
        (self.key.subject, self.key.category.as_str(), self.key.record.as_str())
    }

    /// It as a put, unless it is a deletion.
    fn put(&self) -> Option<record_puts::Put<'_>> {
        Some(record_puts::Put {
            record: self.record.as_ref()?,
            replaces: self.base.is_some(),
            map: self.map,
            last_contact: self.last_contact,
            version: &self.version,
            event: &self.event,
        })
    }

    /// Writes it, in a transaction that has locked the subject and found this row.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when the record is not as it was read, the person has made contact
    /// since, or another data map is in force.
    pub(crate) async fn apply(&self, tx: &mut Tx, subject: &Subject) -> StoreResult<Written> {
        if subject.last_contact != self.last_contact {
            return Err(StoreError::Stale);
        }
        self.apply_row(tx).await?;
        record_versions::insert_version(tx, &self.app, &self.key, &self.version).await?;
        events::insert(tx, &self.event).await?;
        Ok(self.written)
    }

    /// Writes the record itself, without its version and event.
    pub(super) async fn apply_row(&self, tx: &mut Tx) -> StoreResult<()> {
        match (&self.record, self.base) {
            (Some(record), None) => records::insert(tx, &self.app, record, self.map).await,
            // The update finds the row by the version before; a deleted one counts on from there.
            (Some(record), Some(_)) => records::update(tx, &self.app, record, self.map).await,
            (None, Some(base)) => records::delete(tx, &self.app, &self.key, base).await,
            (None, None) => Err(StoreError::Stale),
        }
    }

    /// Puts at once where that can be all; else locks the subject, then [`Prepared::apply`].
    ///
    /// # Errors
    /// As there, and `subject-not-found`, `subject-erasing`; `subject-restricted` when a restriction
    /// came between; `held`.
    pub(super) async fn lock_and_apply(&self, tx: &mut Tx) -> StoreResult<Written> {
        if let Some(put) = self.put()
            && record_puts::put_at_once(tx, &self.app, put).await?
        {
            return Ok(self.written);
        }
        let locked = subjects::lock(tx, &self.app, self.key.subject).await?;
        let subject = subjects::writable(Some(locked))?;
        let (category, lost) = (&self.key.category, &self.lost);
        Guard::default().check(tx, &self.app, &subject, category, lost).await??;
        self.apply(tx, &subject).await
    }
}
