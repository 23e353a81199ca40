//! Exporting an app: everything of every person as the lines that an import reads.
//!
//! It is no single moment, since it is read in short pages: what changes meanwhile is in it or not.
//! Values are decrypted under the built-in purpose `app-export`, which no client can name.

use std::io;

use oubli_domain::data_map::LawfulBasis;
use oubli_domain::import_line::FORMAT;
use oubli_domain::request::SubjectState;
use oubli_domain::{Code, SubjectId, json};
use oubli_store::records::{RecordKey, StoredRecord};
use oubli_store::subjects::Subject;
use oubli_store::{Conn, apps, consents, events, identifiers, purpose_ends, records, subjects};
use oubli_vault::{DataKey, Label};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::caller::Caller;
use crate::consents::RecordedEvent;
use crate::error::{Error, Result};
use crate::log::{Entry, hex};
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::APP_EXPORT;
use crate::records::open_fields;

/// The built-in purpose under which an app is read.
const PURPOSE: &str = "app-export";

/// The rows of a page.
const PAGE: i64 = 500;
/// The records of a page: each may have 256 KiB.
const RECORDS: i64 = 50;

/// What an export wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exported {
    /// Lines of people.
    pub subjects: u64,
    /// Lines of records.
    pub records: u64,
    /// Lines of consent events.
    pub consents: u64,
    /// People whose processing is restricted (Art. 18): they are left out, since a restriction does
    /// not travel. The lines of one who is restricted meanwhile end there.
    pub restricted: u64,
    /// Records of categories that the data map does not declare any more: they are left out, since
    /// an import refuses them.
    pub undeclared_records: u64,
    /// Fields that it does not declare any more, left out of the records that are written.
    pub undeclared_fields: u64,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The service failed or refused.
    #[error(transparent)]
    Service(#[from] Error),
    /// What was written could not be taken.
    #[error("the export cannot be written")]
    Output(#[source] io::Error),
}

/// Writes an app, line by line, to `sink`: `begin`, then each person with records and consents,
/// then `end`. The person's lines refer to each other by the ids that the service issued. Those
/// who are being erased are left out.
///
/// # Errors
/// `app-not-found`; what the sink fails with.
pub async fn export_app(
    oubli: &Oubli,
    caller: &Caller,
    sink: &mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
) -> Result<Exported, ExportError> {
    drop(oubli.model(&mut oubli.data().conn().await.map_err(Error::from)?, &caller.app).await?);
    log(oubli, caller, "start", Exported::default()).await?;
    let mut writer = Writer { oubli, caller, sink, hash: Sha256::new(), done: Exported::default() };
    let begin = json!({
        "type": "begin", "format": FORMAT, "app": caller.app, "created_at": oubli.now(),
    });
    writer.line(&begin)?;
    let mut after: Option<SubjectId> = None;
    loop {
        let mut conn = oubli.data().conn().await.map_err(Error::from)?;
        let page = subjects::list(&mut conn, &caller.app, after, PAGE).await;
        drop(conn);
        let page = page.map_err(Error::from)?;
        let Some(last) = page.last() else { break };
        after = Some(last.subject);
        let of_page = page.iter().map(|subject| subject.subject).collect();
        // An export meets each person once: their keys are not kept.
        let keys = oubli.keyring().read_data_keys(&caller.app, of_page).await?;
        for subject in &page {
            // Without a key there is nothing left of the person to write.
            if let Some(key) = keys.get(&subject.subject) {
                writer.person(subject, key).await?;
            }
        }
    }
    let done = writer.end()?;
    log(oubli, caller, "end", done).await?;
    Ok(done)
}

async fn log(oubli: &Oubli, caller: &Caller, step: &'static str, done: Exported) -> Result<()> {
    let entry = Entry::new().fact("purpose", PURPOSE).fact("step", step);
    let entry = match step {
        "start" => entry,
        _ => entry
            .fact("subjects", done.subjects)
            .fact("records", done.records)
            .fact("consents", done.consents)
            .fact("restricted", done.restricted),
    };
    let event = entry.event(&caller.app, &caller.actor, oubli.now(), APP_EXPORT);
    let written = oubli.data().write("app.export", move |tx| {
        let event = event.clone();
        Box::pin(async move {
            apps::hold(tx, &event.app).await?;
            events::insert(tx, &event).await
        })
    });
    Ok(written.await?)
}

struct Writer<'a> {
    oubli: &'a Oubli,
    caller: &'a Caller,
    sink: &'a mut (dyn FnMut(&[u8]) -> io::Result<()> + Send),
    /// Of every byte so far.
    hash: Sha256,
    done: Exported,
}

impl Writer<'_> {
    fn line(&mut self, line: &Value) -> Result<(), ExportError> {
        let mut text = zeroize::Zeroizing::new(line.to_string());
        text.push('\n');
        self.hash.update(text.as_bytes());
        (self.sink)(text.as_bytes()).map_err(ExportError::Output)
    }

    /// The last line, which tells a whole file from a part of one.
    fn end(mut self) -> Result<Exported, ExportError> {
        let done = self.done;
        let lines = done.subjects + done.records + done.consents;
        let sha256 = hex(&self.hash.clone().finalize());
        self.line(&json!({ "type": "end", "lines": lines, "sha256": sha256 }))?;
        Ok(done)
    }

    /// Everything of a person, unless it may not be written or the person is leaving.
    async fn person(&mut self, row: &Subject, key: &DataKey) -> Result<(), ExportError> {
        match self.lines_of(row, key).await {
            Err(ExportError::Service(Error::Refused(refusal))) => match refusal.code {
                Code::SubjectNotFound | Code::SubjectErasing => Ok(()),
                Code::SubjectRestricted => {
                    self.done.restricted += 1;
                    Ok(())
                }
                _ => Err(Error::Refused(refusal).into()),
            },
            done => done,
        }
    }

    /// A snapshot in which the person may be written. Each page is read in one of its own: a
    /// restriction or an erasure counts from the next page on.
    ///
    /// # Errors
    /// `subject-not-found`, `subject-erasing`, `subject-restricted`.
    async fn snapshot(&self, subject: SubjectId) -> Result<Conn> {
        let mut conn = self.oubli.data().snapshot().await?;
        let row = subjects::require(&mut conn, &self.caller.app, subject).await?;
        if row.state == SubjectState::Restricted {
            return Err(Code::SubjectRestricted.into());
        }
        Ok(conn)
    }

    async fn lines_of(&mut self, row: &Subject, key: &DataKey) -> Result<(), ExportError> {
        let line = self.subject(row, key).await?;
        self.line(&line)?;
        self.done.subjects += 1;
        self.records(row.subject, key).await?;
        self.consents(row.subject, key).await
    }

    async fn subject(&self, row: &Subject, key: &DataKey) -> Result<Value> {
        let mut conn = self.snapshot(row.subject).await?;
        let stored = identifiers::list(&mut conn, &self.caller.app, row.subject).await?;
        let ended = self.ended(&mut conn, row.subject).await?;
        drop(conn);
        let mut found = Vec::with_capacity(stored.len());
        for one in stored {
            let id = one.identifier.to_string();
            let context = key.context(Label::Identifier, one.kind.as_str(), &id, "");
            let value = key.open(&context, &one.sealed)?;
            let value = std::str::from_utf8(&value)
                .map_err(|_| Error::Damaged("identifiers.sealed"))?
                .to_owned();
            found.push(json!({ "type": one.kind, "value": value }));
        }
        let mut line = json!({
            "type": "subject", "id": row.subject, "identifiers": found,
            "created_at": row.created_at, "last_contact": row.last_contact,
        });
        if !ended.is_empty() {
            line["ended_purposes"] = ended.into();
        }
        Ok(line)
    }

    /// The purposes under contract that are over for a person. What the data map in force does not
    /// declare as such is left out: an import refuses it.
    async fn ended(&self, conn: &mut Conn, subject: SubjectId) -> Result<Vec<Value>> {
        let ended = purpose_ends::list(conn, &self.caller.app, subject).await?;
        let model = self.oubli.model(conn, &self.caller.app).await?;
        let told = ended.into_iter().filter_map(|(purpose, ended_at)| {
            let declared = model.map().ok()?.purpose(&purpose).ok()?;
            let contract = declared.lawful_basis == LawfulBasis::Contract;
            contract.then(|| json!({ "purpose": purpose, "ended_at": ended_at }))
        });
        Ok(told.collect())
    }

    async fn records(&mut self, subject: SubjectId, key: &DataKey) -> Result<(), ExportError> {
        let mut after: Option<RecordKey> = None;
        loop {
            let mut conn = self.snapshot(subject).await?;
            let app = &self.caller.app;
            let model = self.oubli.model(&mut conn, app).await?;
            let page = records::page(&mut conn, app, subject, after.as_ref(), RECORDS).await;
            drop(conn);
            let page = page.map_err(Error::from)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for record in &page {
                self.record(record, &model, key)?;
            }
            if is_last(page.len(), RECORDS) {
                return Ok(());
            }
        }
    }

    /// A record, as far as the data map declares it: an import refuses anything else.
    fn record(
        &mut self,
        record: &StoredRecord,
        model: &Model,
        key: &DataKey,
    ) -> Result<(), ExportError> {
        let declared = model.map().and_then(|map| map.category(&record.key.category));
        let Ok(category) = declared else {
            self.done.undeclared_records += 1;
            return Ok(());
        };
        let body = open_fields(key, record, |field| category.fields.contains_key(field))?;
        self.done.undeclared_fields += (record.fields.len() - body.len()) as u64;
        self.line(&record_line(record, &body))?;
        self.done.records += 1;
        Ok(())
    }

    async fn consents(&mut self, subject: SubjectId, key: &DataKey) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let mut conn = self.snapshot(subject).await?;
            let page = consents::history(&mut conn, &self.caller.app, subject, after, PAGE).await;
            drop(conn);
            let page = page.map_err(Error::from)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.event.seq, last.event.id));
            let is_last = is_last(page.len(), PAGE);
            for stored in page {
                let recorded = RecordedEvent::open(key, stored)?;
                self.line(&consent_line(subject, &recorded))?;
                self.done.consents += 1;
            }
            if is_last {
                return Ok(());
            }
        }
    }
}

/// Whether nothing can follow a page of so many rows.
fn is_last(rows: usize, limit: i64) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows < limit)
}

fn consent_line(subject: SubjectId, recorded: &RecordedEvent) -> Value {
    let RecordedEvent { event, signals } = recorded;
    let mut line = json!({
        "type": "consent", "id": event.id, "subject": subject, "purpose": event.purpose,
        "action": event.action, "occurred_at": event.occurred_at,
    });
    if let Some(shown) = &event.shown {
        // The purpose may have another notice by now.
        line["notice"] = shown.notice.as_str().into();
        line["notice_version"] = shown.version.into();
        line["language"] = shown.language.as_str().into();
    }
    if let Some(gpc) = signals.gpc {
        line["signals"]["gpc"] = gpc.into();
    }
    if let Some(gpp) = &signals.gpp {
        line["signals"]["gpp"] = gpp.expose().into();
    }
    line
}

/// Its place has up to 165 characters, and an id 128 at most: the id is a hash of the place.
fn record_line(record: &StoredRecord, body: &Map<String, Value>) -> Value {
    let key = &record.key;
    let place = json::canonical(&json!([key.subject, key.category, key.record]));
    let id = format!("rec_{}", &hex(&Sha256::digest(place))[..32]);
    json!({
        "type": "record", "id": id, "subject": key.subject, "category": key.category,
        "record": key.record, "body": body, "created_at": record.created_at,
    })
}
