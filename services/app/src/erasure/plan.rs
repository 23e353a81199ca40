//! Step 1: what an erasure will do. The preview asks the same function.

use std::collections::BTreeMap;

use oubli_domain::request::{ErasedCategory, ErasureStep, KeptItem, Plan, RecordFields, Withhold};
use oubli_domain::{AppId, KeptItemId, Name, SubjectId};
use oubli_store::Conn;
use oubli_store::erasure::{DATA_TABLES, KEY_TABLES, SubjectTable, count};
use oubli_store::keys::subject_keys;
use oubli_store::records::{self, RecordKey, StoredRecord};

use super::{Outcome, Work};
use crate::error::Result;
use crate::holds;
use crate::log::hex;
use crate::oubli::Oubli;
use crate::worker::Next;

/// How many records are read in one query.
const PAGE: i64 = 100;

/// What an erasure of a subject would do now.
pub(crate) async fn plan(oubli: &Oubli, app: &AppId, subject: SubjectId) -> Result<Plan> {
    let mut conn = oubli.data().snapshot().await?;
    let kept = kept(&mut conn, app, subject).await?;
    let stored = records::counts(&mut conn, app, subject).await?;
    let mut tables = counts(&mut conn, DATA_TABLES, app, subject).await?;
    drop(conn);
    let mut conn = oubli.keys().conn().await?;
    tables.append(&mut counts(&mut conn, KEY_TABLES, app, subject).await?);
    let erased = stored.into_iter().map(|(category, stored)| {
        let whole = kept.whole.get(&category).copied().unwrap_or_default();
        ErasedCategory { category, records: stored.saturating_sub(whole) }
    });
    let erased = erased.filter(|erased| erased.records > 0).collect();
    Ok(Plan { erased, kept: kept.items, tables })
}

/// What stays of a subject's records.
#[derive(Default)]
struct Kept {
    items: Vec<KeptItem>,
    /// How many records of each category stay with all their fields.
    whole: BTreeMap<Name, u64>,
}

/// Where nothing is withheld, no record is read.
async fn kept(conn: &mut Conn, app: &AppId, subject: SubjectId) -> Result<Kept> {
    let withheld = holds::withheld(conn, app, subject).await?;
    let (mut kept, mut after) = (Kept::default(), None);
    if withheld.is_empty() {
        return Ok(kept);
    }
    loop {
        let page = records::page(conn, app, subject, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(kept) };
        after = Some(last.key.clone());
        for stored in page {
            kept.add(&names_of(stored), &withheld);
        }
    }
}

fn names_of(stored: StoredRecord) -> RecordFields {
    let RecordKey { category, record, .. } = stored.key;
    let fields = stored.fields.into_iter().map(|field| field.name).collect();
    RecordFields { category, record, fields }
}

impl Kept {
    fn add(&mut self, record: &RecordFields, withheld: &[Withhold]) {
        let items = record.kept(withheld);
        let fields: usize = items.iter().map(|item| item.fields.len()).sum();
        if fields > 0 && fields == record.fields.len() {
            *self.whole.entry(record.category.clone()).or_default() += 1;
        }
        self.items.extend(items);
    }
}

/// How many rows of a subject each table holds.
pub(super) async fn counts(
    conn: &mut Conn,
    tables: &'static [SubjectTable],
    app: &AppId,
    subject: SubjectId,
) -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for table in tables {
        counts.insert(table.name.to_owned(), count(conn, table, app, subject).await?);
    }
    Ok(counts)
}

impl Work<'_> {
    /// Step 1. The pseudonym and the epoch are kept now, while the key is there. What stays gets its
    /// ids, so that no item is ever made twice.
    pub(super) async fn plan(&self) -> Result<Next> {
        let (app, subject) = (&self.leased.job.app, self.subject()?);
        let row = subject_keys::get(&mut self.oubli.keys().conn().await?, app, subject).await?;
        // A restore may have lost or damaged the key: the person's rows must go all the same.
        let key = self.oubli.keyring().data_key_if_any(app, subject).await?;
        self.oubli.keyring().forget(app, subject);
        let subject_ref = key.map(|key| hex(&key.subject_ref()));
        let mut plan = plan(self.oubli, app, subject).await?;
        for item in &mut plan.kept {
            item.item = Some(KeptItemId::fresh(self.oubli.now()));
        }
        let outcome = Outcome {
            plan,
            subject_ref,
            epoch: row.map_or(0, |row| row.epoch),
            ..Outcome::default()
        };
        let (from, to) = (ErasureStep::Acknowledged, ErasureStep::Planned);
        self.advance("erasure.planned", from, to, Some(outcome.text()?)).await
    }
}
