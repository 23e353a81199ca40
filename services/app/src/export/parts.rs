//! The parts of a bundle, in order. Reads are short: a page, then the connection goes back.

use oubli_domain::consent::Gpp;
use oubli_domain::data_map::LawfulBasis;
use oubli_domain::request::RequestScope;
use oubli_domain::{AppId, CompiledDataMap, Name, Right, SubjectId};
use oubli_store::records::{RecordKey, StoredRecord};
use oubli_store::requests::Request;
use oubli_store::{consents, events, identifiers, purpose_ends, records, requests, subjects};
use oubli_vault::DataKey;
use serde_json::{Value, json};

use super::bundle::{Built, Bundle};
use super::information::information;
use crate::consents::RecordedEvent;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::oubli::Oubli;
use crate::read_payload::{READ, ReadPayload};
use crate::records::open_fields;
use crate::subjects::open_identifier;

/// The rows of a page.
const PAGE: i64 = 500;
/// The records of a page: each may have 256 KiB.
const RECORDS: i64 = 50;

/// What the parts are read from.
struct Source<'a> {
    oubli: &'a Oubli,
    app: &'a AppId,
    subject: SubjectId,
    right: Right,
    scope: &'a RequestScope,
    map: &'a CompiledDataMap,
    key: &'a DataKey,
}

/// Writes every part and the manifest. A portability bundle holds records alone.
pub(super) async fn write(
    oubli: &Oubli,
    request: &Request,
    model: &Model,
    key: &DataKey,
    mut bundle: Bundle<'_>,
) -> Result<Built> {
    let app = &model.app.app;
    let source = Source {
        oubli,
        app,
        subject: request.subject.ok_or(Error::Damaged("the subject of an export"))?,
        right: request.right,
        scope: &request.scope,
        map: model.map()?,
        key,
    };
    let access = request.right == Right::Access;
    if access {
        bundle.document("information.json", &information(source.map.map())).await?;
        bundle.document("subject.json", &source.subject_document().await?).await?;
    }
    source.records(&mut bundle).await?;
    if access {
        source.consents(&mut bundle).await?;
        source.reads(&mut bundle).await?;
        bundle.document("requests.json", &source.requests().await?).await?;
    }
    let head = json!({
        "v": 1, "app": app, "request": request.request, "right": request.right,
        "created_at": oubli.now(),
    });
    Box::pin(bundle.finish(head)).await
}

impl Source<'_> {
    async fn subject_document(&self) -> Result<Value> {
        let mut conn = self.oubli.data().snapshot().await?;
        let subject = subjects::require(&mut conn, self.app, self.subject).await?;
        let stored = identifiers::list(&mut conn, self.app, self.subject).await?;
        let ended = purpose_ends::list(&mut conn, self.app, self.subject).await?;
        drop(conn);
        let ended: Vec<Value> = ended
            .into_iter()
            .filter(|(purpose, _)| self.covers_purpose(purpose))
            .map(|(purpose, at)| json!({ "purpose": purpose, "ended_at": at }))
            .collect();
        let mut found = Vec::with_capacity(stored.len());
        for row in stored {
            let value = open_identifier(self.key, &row)?;
            let value = value.expose();
            found.push(json!({ "type": row.kind, "value": value, "added_at": row.created_at }));
        }
        Ok(json!({
            "subject": self.subject, "state": subject.state, "created_at": subject.created_at,
            "last_contact": subject.last_contact, "identifiers": found, "ended_purposes": ended,
        }))
    }

    /// One part for each category, since records come in the order of category and id.
    async fn records(&self, bundle: &mut Bundle<'_>) -> Result<()> {
        let mut after: Option<RecordKey> = None;
        let mut category: Option<Name> = None;
        loop {
            let mut conn = self.oubli.data().conn().await?;
            let page =
                records::page(&mut conn, self.app, self.subject, after.as_ref(), RECORDS).await?;
            drop(conn);
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.key.clone());
            for record in &page {
                let Some(row) = self.record(record)? else { continue };
                if category.as_ref() != Some(&record.key.category) {
                    bundle.begin(&format!("records/{}.ndjson", record.key.category))?;
                    category = Some(record.key.category.clone());
                }
                bundle.row(&row).await?;
            }
        }
    }

    /// What of a record belongs in the bundle; none when nothing does.
    fn record(&self, record: &StoredRecord) -> Result<Option<Value>> {
        let category = &record.key.category;
        let fields = open_fields(self.key, record, |field| self.holds(category, field))?;
        if fields.is_empty() && !(self.right == Right::Access && self.scope.is_everything()) {
            return Ok(None);
        }
        Ok(Some(json!({
            "record": record.key.record, "version": record.version,
            "created_at": record.created_at, "updated_at": record.updated_at,
            "fields": fields,
        })))
    }

    /// Whether a field belongs in the bundle. Access: everything in the scope. Portability: what
    /// the person provided, or was observed of them, and a purpose under consent or contract reads
    /// (Art. 20(1)).
    fn holds(&self, category: &Name, field: &Name) -> bool {
        let covered = self.scope.covers(self.map, category, field);
        covered && (self.right == Right::Access || self.is_portable(category, field))
    }

    fn is_portable(&self, category: &Name, field: &Name) -> bool {
        let declared = self.map.category(category).ok().and_then(|c| c.fields.get(field));
        declared.is_some_and(|field| field.origin.is_portable())
            && self.map.map().purposes.iter().any(|(name, purpose)| {
                matches!(purpose.lawful_basis, LawfulBasis::Consent | LawfulBasis::Contract)
                    && self.map.may_read(name, category, field)
            })
    }

    async fn consents(&self, bundle: &mut Bundle<'_>) -> Result<()> {
        bundle.begin("consents.ndjson")?;
        let mut after = None;
        loop {
            let mut conn = self.oubli.data().conn().await?;
            let page = consents::history(&mut conn, self.app, self.subject, after, PAGE).await?;
            drop(conn);
            let Some(last) = page.last() else { return Ok(()) };
            after = Some((last.event.seq, last.event.id));
            for stored in page {
                if self.covers_purpose(&stored.event.purpose) {
                    bundle.row(&consent(&RecordedEvent::open(self.key, stored)?)).await?;
                }
            }
        }
    }

    fn covers_purpose(&self, purpose: &Name) -> bool {
        self.scope.is_everything() || self.scope.purposes.contains(purpose)
    }

    /// Who read what when. Members of staff stand as such, without a name or an id.
    async fn reads(&self, bundle: &mut Bundle<'_>) -> Result<()> {
        bundle.begin("reads.ndjson")?;
        let mut after = None;
        loop {
            let mut conn = self.oubli.data().conn().await?;
            let page =
                events::of_subject(&mut conn, self.app, self.subject, READ, after, PAGE).await?;
            drop(conn);
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.event);
            for event in &page {
                let payload = ReadPayload::parse(&event.payload)?;
                if self.covers_read(&payload) {
                    bundle.row(&read(event.at, &event.actor, &payload)).await?;
                }
            }
        }
    }

    fn covers_read(&self, read: &ReadPayload) -> bool {
        let covers = |category: &Name, field: &Name| self.scope.covers(self.map, category, field);
        self.covers_purpose(&read.purpose)
            || read
                .fields
                .iter()
                .any(|(category, fields)| fields.iter().any(|field| covers(category, field)))
    }

    async fn requests(&self) -> Result<Value> {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let mut conn = self.oubli.data().conn().await?;
            let page = requests::list(&mut conn, self.app, Some(self.subject), after, PAGE).await?;
            drop(conn);
            let Some(last) = page.last() else { return Ok(Value::Array(found)) };
            after = Some(last.request);
            found.extend(page.iter().map(|row| {
                json!({
                    "request": row.request, "right": row.right, "state": row.state,
                    "received_at": row.received_at, "completed_at": row.completed_at,
                })
            }));
        }
    }
}

fn consent(recorded: &RecordedEvent) -> Value {
    let RecordedEvent { event, signals } = recorded;
    let mut row = json!({
        "purpose": event.purpose, "action": event.action, "shown": event.shown,
        "occurred_at": event.occurred_at, "recorded_at": event.recorded_at,
    });
    if !signals.is_empty() {
        row["signals"] =
            json!({ "gpc": signals.gpc, "gpp": signals.gpp.as_ref().map(Gpp::expose) });
    }
    row
}

fn read(at: oubli_domain::Time, actor: &str, payload: &ReadPayload) -> Value {
    let by = if actor.starts_with("staff:") { "staff" } else { actor };
    let mut row = payload.to_value();
    row["at"] = json!(at);
    row["by"] = json!(by);
    row
}
