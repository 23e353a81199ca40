//! Recording one consent event.

use oubli_domain::{Code, SubjectId};
use oubli_store::{StoreError, subjects};

use super::ATTEMPTS;
use super::event::{NewConsent, Prepared, Recorded};
use super::shown::{Texts, facts};
use crate::caller::Call;
use crate::error::{Error, Result};
use crate::once::Answer;
use crate::oubli::Oubli;

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
    for _ in 0..ATTEMPTS {
        let prepared = prepare(oubli, call, subject, new).await?;
        let written = oubli
            .write_once("consents.record", call, Some(subject), Answer::Repeatable, move |tx| {
                let prepared = prepared.clone();
                Box::pin(async move { prepared.apply(tx).await })
            })
            .await;
        match written {
            Err(Error::Store(StoreError::Stale)) => {}
            done => return done,
        }
    }
    Err(Code::Unavailable.into())
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
    let facts = facts(&mut conn, &model, &mut Texts::default(), new).await?;
    drop(conn);
    let key = oubli.keyring().data_key(&caller.app, subject).await?;
    Ok(Prepared::new(caller, subject, &key, new, facts, oubli.now()))
}
