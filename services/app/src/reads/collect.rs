//! What a purpose reads of one person after the other: collected sealed in a snapshot, within the
//! bounds of an answer, and opened and logged once the snapshot is over.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::data_map::FieldSet;
use oubli_domain::record::StoredField;
use oubli_domain::{IdentifierId, IdentifierType, Name, Pii, RecordId, Refusal, SubjectId, Time};
use oubli_store::Conn;
use oubli_store::identifiers::{self, SealedIdentifier};
use oubli_store::records::{self, StoredRecord};
use oubli_vault::DataKey;
use serde_json::{Map, Value};

use super::position::Place;
use super::{MAX_BYTES, MAX_RECORDS};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::log::Entry;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::{READ, ReadPayload};
use crate::records::open_fields;
use crate::subjects::open_identifier;

/// How many records are read at once: together they may have 4 MiB.
const FETCH: u8 = 16;

/// How many people are opened and logged at once: as many as one batch of the read log takes.
pub(super) const TOGETHER: usize = 128;

/// What is read of each person.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    purpose: Name,
    /// The fields of the app's own categories.
    records: FieldSet,
    /// The built-in category and the types of identifiers, when they are read.
    identifiers: Option<(Name, Vec<IdentifierType>)>,
}

impl Wanted {
    /// What `purpose` reads of these categories.
    pub(super) fn new(model: &Model, purpose: &Name, mut fields: FieldSet) -> Result<Self> {
        let map = model.map()?.map();
        let built_in = fields.keys().find(|category| map.is_built_in(category)).cloned();
        let identifiers = built_in.and_then(|category| {
            let read = fields.remove(&category)?;
            let kinds = IdentifierType::ALL.iter().copied();
            let kinds = kinds.filter(|kind| read.iter().any(|name| name.as_str() == kind.as_str()));
            Some((category, kinds.collect()))
        });
        Ok(Self { purpose: purpose.clone(), records: fields, identifiers })
    }

    fn reads(&self, category: &Name, field: &Name) -> bool {
        self.records.get(category).is_some_and(|fields| fields.contains(field))
    }

    fn reads_kind(&self, kind: IdentifierType) -> bool {
        self.identifiers.as_ref().is_some_and(|(_, kinds)| kinds.contains(&kind))
    }
}

/// What an answer may still hold.
#[derive(Debug)]
pub(super) struct Room {
    records: usize,
    bytes: usize,
}

impl Room {
    /// The room of a new answer.
    pub(super) fn new() -> Self {
        Self { records: MAX_RECORDS, bytes: MAX_BYTES }
    }

    /// Room for so many bytes.
    #[cfg(test)]
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self { records: MAX_RECORDS, bytes }
    }

    /// Whether nothing more belongs in the answer.
    pub(super) fn is_used_up(&self) -> bool {
        self.records == 0 || self.bytes == 0
    }

    fn take(&mut self, records: usize, bytes: usize) {
        self.records = self.records.saturating_sub(records);
        self.bytes = self.bytes.saturating_sub(bytes);
    }
}

/// What was read of a person, sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) subject: SubjectId,
    identifiers: Option<Vec<SealedIdentifier>>,
    records: Vec<StoredRecord>,
    /// The last record, where more are left.
    pub(super) rest_after: Option<Place>,
}

#[cfg(test)]
impl Sealed {
    /// How many identifiers and records it holds.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.identifiers.as_ref().map_or(0, Vec::len), self.records.len())
    }
}

/// Reads what is wanted of one person after `after`, as far as there is room; one record at least,
/// so that every call comes further.
pub(super) async fn collect(
    conn: &mut Conn,
    model: &Model,
    wanted: &Wanted,
    subject: SubjectId,
    after: Option<Place>,
    room: &mut Room,
) -> Result<Sealed> {
    let app = &model.app.app;
    // A person who is gone on with had theirs in the answer before.
    let identifiers = if wanted.identifiers.is_some() && after.is_none() {
        let mut all = identifiers::list(conn, app, subject).await?;
        all.retain(|row| wanted.reads_kind(row.kind));
        room.take(0, all.iter().map(|row| row.sealed.len()).sum());
        Some(all)
    } else {
        None
    };
    let mut sealed = Sealed { subject, identifiers, records: Vec::new(), rest_after: after };
    if wanted.records.is_empty() {
        sealed.rest_after = None;
        return Ok(sealed);
    }
    loop {
        let last = sealed.rest_after.as_ref().map(|place| (&place.category, &place.record));
        let categories = wanted.records.keys();
        let limit = i64::from(FETCH);
        let page = records::page_of_categories(conn, app, subject, categories, last, limit).await?;
        let is_last = page.len() < usize::from(FETCH);
        for mut record in page {
            // The identifiers may have used the room up: without a record taken, there would be no
            // place to go on from, and the person would seem complete.
            if room.is_used_up() && !sealed.records.is_empty() {
                return Ok(sealed);
            }
            let category = &record.key.category;
            record.fields.retain(|field| wanted.reads(category, &field.name));
            room.take(1, size(&record.fields));
            let (category, record_id) = (category.clone(), record.key.record.clone());
            sealed.rest_after = Some(Place { category, record: record_id });
            sealed.records.push(record);
        }
        if is_last {
            sealed.rest_after = None;
            return Ok(sealed);
        }
    }
}

fn size(fields: &[StoredField]) -> usize {
    fields.iter().map(|field| field.ciphertext.len()).sum()
}

/// What a purpose sees of a person.
#[derive(Clone)]
pub struct OpenedPerson {
    /// Who.
    pub subject: SubjectId,
    /// The identifiers of the types that the purpose reads, oldest first; none when they were not
    /// asked for, or stood in the answer before.
    pub identifiers: Option<Vec<OpenedIdentifier>>,
    /// The records, by category and id.
    pub records: Vec<OpenedRecord>,
    /// Whether these are the last of the person's records; others follow in the next answer.
    pub complete: bool,
}

impl fmt::Debug for OpenedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenedPerson").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// An identifier with its value.
#[derive(Clone, Debug)]
pub struct OpenedIdentifier {
    /// Its id.
    pub identifier: IdentifierId,
    /// Its type.
    pub kind: IdentifierType,
    /// As it was typed.
    pub value: Pii<String>,
}

/// A record with the fields that the purpose reads.
#[derive(Clone)]
pub struct OpenedRecord {
    /// Its category.
    pub category: Name,
    /// Its id.
    pub record: RecordId,
    /// Its version.
    pub version: i64,
    /// When it was first put.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// The fields, decrypted.
    pub body: Map<String, Value>,
}

impl fmt::Debug for OpenedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OpenedRecord");
        shown.field("category", &self.category).field("record", &self.record);
        shown.finish_non_exhaustive()
    }
}

/// Opens what was collected and logs each person's read, in the order of `all`. A person whose
/// erasure was acknowledged since is refused.
///
/// # Errors
/// When a database fails, or a ciphertext does not open.
pub(super) async fn open_all(
    oubli: &Oubli,
    caller: &Caller,
    wanted: &Wanted,
    all: Vec<Sealed>,
) -> Result<Vec<Result<OpenedPerson, Refusal>>> {
    let opened = all
        .into_iter()
        .map(|sealed| async { of_person(open_and_log(oubli, caller, wanted, sealed).await) });
    stream::iter(opened).buffered(TOGETHER).try_collect().await
}

/// Parts what one person is refused with from what fails the whole answer.
pub(super) fn of_person<T>(result: Result<T>) -> Result<Result<T, Refusal>> {
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(Error::Refused(refusal)) if !refusal.is_of_the_service() => Ok(Err(refusal)),
        Err(error) => Err(error),
    }
}

async fn open_and_log(
    oubli: &Oubli,
    caller: &Caller,
    wanted: &Wanted,
    sealed: Sealed,
) -> Result<OpenedPerson> {
    let subject = sealed.subject;
    let key = oubli.keyring().data_key(&caller.app, subject).await?;
    let payload = ReadPayload::new(&wanted.purpose, fields_of(wanted, &sealed)?);
    let person = OpenedPerson {
        subject,
        complete: sealed.rest_after.is_none(),
        identifiers: match sealed.identifiers {
            Some(rows) => Some(open_identifiers(&key, &rows)?),
            None => None,
        },
        records: open_records(&key, sealed.records)?,
    };
    let event = Entry::about(subject, &key).payload(payload.to_value()).event(
        &caller.app,
        &caller.actor,
        oubli.now(),
        READ,
    );
    oubli.reads().record(event).await?;
    Ok(person)
}

/// The names of what was read.
fn fields_of(wanted: &Wanted, sealed: &Sealed) -> Result<FieldSet> {
    let mut fields: FieldSet = BTreeMap::new();
    for record in &sealed.records {
        let read = fields.entry(record.key.category.clone()).or_default();
        read.extend(record.fields.iter().map(|field| field.name.clone()));
    }
    if let (Some((category, _)), Some(rows)) = (&wanted.identifiers, &sealed.identifiers) {
        let kinds = rows.iter().map(|row| Name::new(row.kind.as_str()));
        fields.insert(category.clone(), kinds.collect::<Result<_, _>>()?);
    }
    Ok(fields)
}

fn open_identifiers(key: &DataKey, rows: &[SealedIdentifier]) -> Result<Vec<OpenedIdentifier>> {
    let open = |row: &SealedIdentifier| {
        let value = open_identifier(key, row)?;
        Ok(OpenedIdentifier { identifier: row.identifier, kind: row.kind, value })
    };
    rows.iter().map(open).collect()
}

fn open_records(key: &DataKey, rows: Vec<StoredRecord>) -> Result<Vec<OpenedRecord>> {
    let open = |row: StoredRecord| {
        // What the purpose does not read was left out when the record was collected.
        let body = open_fields(key, &row, |_| true)?;
        Ok(OpenedRecord {
            category: row.key.category,
            record: row.key.record,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            body,
        })
    };
    rows.into_iter().map(open).collect()
}
