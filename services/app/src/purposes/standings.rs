//! Where every purpose in force stands for a person.

use std::collections::BTreeMap;

use oubli_domain::data_map::LawfulBasis;
use oubli_domain::{Name, SubjectId, Time};
use oubli_store::{purpose_ends, subjects};
use serde_json::json;

use crate::caller::Caller;
use crate::consents::log_read;
use crate::error::Result;
use crate::oubli::Oubli;
use crate::standing::{Checked, FactsOfMany, judge};

/// Where one purpose stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurposeStanding {
    /// The purpose.
    pub purpose: Name,
    /// What makes it lawful.
    pub lawful_basis: LawfulBasis,
    /// Whether it holds, as a check tells.
    pub checked: Checked,
    /// When the app ended it for the person, if it did.
    pub ended_at: Option<Time>,
}

/// Every purpose in force, by name, and whether it holds for a person now. The read is logged.
///
/// # Errors
/// `data-map-not-found`; `subject-not-found`, `subject-erasing`.
pub async fn standings(
    oubli: &Oubli,
    caller: &Caller,
    subject: SubjectId,
) -> Result<Vec<PurposeStanding>> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let row = subjects::require(&mut conn, &caller.app, subject).await?;
    let declared = &model.map()?.map().purposes;
    let facts = FactsOfMany::read(&mut conn, &model, &[subject], declared.keys()).await?;
    let ended = purpose_ends::list(&mut conn, &caller.app, subject).await?;
    drop(conn);
    let (ended, now): (BTreeMap<Name, Time>, Time) = (ended.into_iter().collect(), oubli.now());
    let standings = declared.iter().map(|(name, purpose)| {
        Ok(PurposeStanding {
            purpose: name.clone(),
            lawful_basis: purpose.lawful_basis,
            checked: judge(&model, &row, name, facts.of(subject, name), now)?,
            ended_at: ended.get(name).copied(),
        })
    });
    let standings = standings.collect::<Result<_>>()?;
    log_read(oubli, caller, subject, json!({ "view": "purposes" })).await?;
    Ok(standings)
}
