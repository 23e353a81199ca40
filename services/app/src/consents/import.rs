//! Preparing the consent events that an import brings, each at its original time.

use std::sync::Arc;

use oubli_domain::{Code, Name, Refusal, SubjectId, Time};

use super::event::{NewConsent, Prepared};
use super::shown::{Texts, facts};
use crate::caller::Caller;
use crate::error::Result;
use crate::keyring::DataKeys;
use crate::oubli::Oubli;

/// A consent event of an import.
pub(crate) struct ConsentImport {
    /// Whose.
    pub(crate) subject: SubjectId,
    /// What they did.
    pub(crate) consent: NewConsent,
    /// The notice they were shown; the purpose's own when none is named.
    pub(crate) notice: Option<Name>,
    /// When, in the past.
    pub(crate) occurred_at: Time,
}

/// Checks each of these against the data map and the notices. Whose key is not among `keys` was
/// erased.
///
/// # Errors
/// When a database fails. What is wrong with one event stands in its own place, or is found when it
/// is applied.
pub(crate) async fn prepare_imports(
    oubli: &Oubli,
    caller: &Caller,
    keys: &DataKeys,
    wanted: Vec<ConsentImport>,
) -> Result<Vec<Result<Prepared, Refusal>>> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let mut texts = Texts::default();
    let mut checked = Vec::with_capacity(wanted.len());
    for event in &wanted {
        let notice = event.notice.as_ref();
        checked.push(facts(&mut conn, &model, &mut texts, &event.consent, notice).await?);
    }
    drop(conn);
    let now = oubli.now();
    let mut prepared = Vec::with_capacity(wanted.len());
    for (event, facts) in wanted.iter().zip(checked) {
        let (subject, at) = (event.subject, Some(event.occurred_at));
        prepared.push(match keys.get(&subject) {
            Some(key) => {
                let key = Arc::clone(key);
                Ok(Prepared::new(caller, subject, key, &event.consent, facts, now, at)?)
            }
            None => Err(Code::SubjectNotFound.into()),
        });
    }
    Ok(prepared)
}
