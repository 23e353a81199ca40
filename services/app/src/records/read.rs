//! Reading one record for a purpose.

use std::collections::BTreeSet;
use std::fmt;

use oubli_domain::{Code, Name, Refusal, Time};
use oubli_store::records::{RecordKey, StoredRecord};
use oubli_store::{Conn, seen, subjects};
use serde_json::{Map, Value};

use super::open::open_fields;
use crate::caller::Caller;
use crate::error::Result;
use crate::log::Entry;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::{READ, REFUSED, ReadPayload};
use crate::standing::{Facts, judge};

/// What a purpose may see of a record.
#[derive(Clone)]
pub struct Read {
    /// The record's version.
    pub version: i64,
    /// When it was first put.
    pub created_at: Time,
    /// When it was last changed.
    pub updated_at: Time,
    /// The fields that the purpose reads, decrypted.
    pub body: Map<String, Value>,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Read").field("version", &self.version).finish_non_exhaustive()
    }
}

/// Reads a record for a purpose: the fields that the purpose declares, and those alone, while it
/// holds for the person. The read is in the log before it is answered, and so is a refused one.
///
/// # Errors
/// `unknown-purpose`, `unknown-category`; `purpose-not-permitted` when it does not hold or does
/// not read the category; `record-not-found`; `subject-not-found`, `subject-erasing`,
/// `subject-restricted`.
pub async fn get(oubli: &Oubli, caller: &Caller, key: &RecordKey, purpose: &Name) -> Result<Read> {
    let app = &caller.app;
    let look = async |conn: &mut Conn| seen::of_read(conn, app, key, purpose).await;
    let (model, seen) = oubli.see(app, look).await?;
    let subject = subjects::not_erasing(seen.purpose.subject)?;
    model.map()?.category(&key.category)?;
    let facts = Facts::seen(&model, purpose, seen.purpose)?;
    let permitted = judge(&model, &subject, purpose, facts, oubli.now())?
        .required()
        .and_then(|()| reads_category(&model, purpose, &key.category));
    if let Err(refusal) = permitted {
        log(oubli, caller, key, purpose, Outcome::Refused(refusal.code)).await?;
        return Err(refusal.into());
    }
    let record = seen.record.ok_or(Code::RecordNotFound)?;
    let data_key = oubli.keyring().data_key(app, key.subject).await?;
    let map = model.map()?;
    let body =
        open_fields(&data_key, &record, |field| map.may_read(purpose, &key.category, field))?;
    log(oubli, caller, key, purpose, Outcome::Read(&record, &body)).await?;
    let StoredRecord { version, created_at, updated_at, .. } = record;
    Ok(Read { version, created_at, updated_at, body })
}

fn reads_category(model: &Model, purpose: &Name, category: &Name) -> Result<(), Refusal> {
    if model.map()?.fields_for(purpose)?.contains_key(category) {
        return Ok(());
    }
    Err(Refusal::new(Code::PurposeNotPermitted)
        .detail("The purpose does not read this category (category-not-read)."))
}

enum Outcome<'a> {
    Read(&'a StoredRecord, &'a Map<String, Value>),
    Refused(Code),
}

async fn log(
    oubli: &Oubli,
    caller: &Caller,
    key: &RecordKey,
    purpose: &Name,
    outcome: Outcome<'_>,
) -> Result<()> {
    let data_key = oubli.keyring().data_key(&caller.app, key.subject).await?;
    let entry = Entry::about(key.subject, &data_key);
    let (entry, payload, kind) = match outcome {
        Outcome::Refused(code) => {
            (entry.reason(code.slug()), ReadPayload::refused(purpose, [&key.category]), REFUSED)
        }
        Outcome::Read(row, body) => {
            let fields = [(key.category.clone(), names(body)?)].into();
            (entry.record(row.version, &[]), ReadPayload::new(purpose, fields), READ)
        }
    };
    let event = entry.payload(payload.of_record(&key.record).to_value()).event(
        &caller.app,
        &caller.actor,
        oubli.now(),
        kind,
    );
    oubli.reads().record(event).await
}

/// The names of the fields of a decrypted body.
fn names(body: &Map<String, Value>) -> Result<BTreeSet<Name>> {
    Ok(body.keys().map(|name| Name::new(name.as_str())).collect::<Result<_, _>>()?)
}
