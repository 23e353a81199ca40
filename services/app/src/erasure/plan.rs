//! Step 1: what an erasure will do. The preview asks the same function.

use std::collections::BTreeMap;

use oubli_domain::request::{ErasedCategory, ErasureStep, Plan};
use oubli_domain::{AppId, SubjectId};
use oubli_store::erasure::{DATA_TABLES, KEY_TABLES, SubjectTable, count};
use oubli_store::keys::subject_keys;
use oubli_store::{Conn, records};

use super::{Outcome, Work};
use crate::error::Result;
use crate::log::hex;
use crate::oubli::Oubli;
use crate::worker::Next;

/// What an erasure of a subject would do now. No policy and no hold exists that could keep
/// anything: everything goes.
pub(crate) async fn plan(oubli: &Oubli, app: &AppId, subject: SubjectId) -> Result<Plan> {
    let mut conn = oubli.data().snapshot().await?;
    let erased = records::counts(&mut conn, app, subject)
        .await?
        .into_iter()
        .map(|(category, records)| ErasedCategory { category, records })
        .collect();
    let mut tables = counts(&mut conn, DATA_TABLES, app, subject).await?;
    drop(conn);
    let mut conn = oubli.keys().conn().await?;
    tables.append(&mut counts(&mut conn, KEY_TABLES, app, subject).await?);
    Ok(Plan { erased, kept: Vec::new(), tables })
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
    /// Step 1. The pseudonym and the epoch are kept now, while the key is there.
    pub(super) async fn plan(&self) -> Result<Next> {
        let (app, subject) = (&self.leased.job.app, self.subject()?);
        let row = subject_keys::get(&mut self.oubli.keys().conn().await?, app, subject).await?;
        // A restore may have lost or damaged the key: the person's rows must go all the same.
        let key = self.oubli.keyring().data_key_if_any(app, subject).await?;
        self.oubli.keyring().forget(app, subject);
        let subject_ref = key.map(|key| hex(&key.subject_ref()));
        let outcome = Outcome {
            plan: plan(self.oubli, app, subject).await?,
            subject_ref,
            epoch: row.map_or(0, |row| row.epoch),
            ..Outcome::default()
        };
        let (from, to) = (ErasureStep::Acknowledged, ErasureStep::Planned);
        self.advance("erasure.planned", from, to, Some(outcome.text()?)).await
    }
}
