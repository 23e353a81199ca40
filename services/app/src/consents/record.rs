//! Recording one consent event.

use oubli_domain::SubjectId;
use oubli_store::subjects;

use super::event::{NewConsent, Prepared, Recorded};
use super::shown::{Texts, facts};
use crate::caller::Call;
use crate::error::Result;
use crate::once::Answer;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// Records what a person did about a purpose. An event that was sent before under the same caller
/// id is not recorded again: the first one is the answer.
///
/// # Errors
/// `unknown-purpose`, unless it is a withdrawal and the person has a history of it;
/// `invalid-consent`; `subject-not-found`, `subject-erasing`; `subject-restricted` for a grant.
pub async fn record(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    new: &NewConsent,
) -> Result<Recorded> {
    retry_stale(|| async {
        let prepared = prepare(oubli, call, subject, new).await?;
        oubli
            .write_once("consents.record", call, Some(subject), Answer::Repeatable, move |tx| {
                let prepared = prepared.clone();
                Box::pin(async move { prepared.apply(tx).await })
            })
            .await
    })
    .await
}

async fn prepare(
    oubli: &Oubli,
    call: &Call,
    subject: SubjectId,
    new: &NewConsent,
) -> Result<Prepared> {
    let caller = &call.caller;
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    subjects::require(&mut conn, &caller.app, subject).await?;
    let facts = facts(&mut conn, &model, &mut Texts::default(), new, None).await?;
    drop(conn);
    let key = oubli.keyring().data_key(&caller.app, subject).await?;
    Prepared::new(caller, subject, key, new, facts, oubli.now(), None)
}
