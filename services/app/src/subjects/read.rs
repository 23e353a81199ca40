//! Looking at subjects without their data: states, and identifiers without values.

use oubli_domain::request::SubjectState;
use oubli_domain::{IdentifierId, IdentifierType, SubjectId, Time};
use oubli_store::subjects::Subject;
use oubli_store::{identifiers, subjects};

use super::resolve::{SubjectSelector, resolve};
use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A subject with what identifiers it has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Found {
    /// Its id.
    pub subject: SubjectId,
    /// Where it stands.
    pub state: SubjectState,
    /// When it was created.
    pub created_at: Time,
    /// When the person last made contact; creation until then.
    pub last_contact: Time,
    /// Its identifiers, without values.
    pub identifiers: Vec<IdentifierInfo>,
}

/// An identifier without its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IdentifierInfo {
    /// Its id.
    pub identifier: IdentifierId,
    /// Its type.
    pub kind: IdentifierType,
    /// When it was added.
    pub created_at: Time,
}

/// One subject.
///
/// # Errors
/// `subject-not-found`, `subject-erasing`.
pub async fn get(oubli: &Oubli, caller: &Caller, subject: SubjectId) -> Result<Found> {
    let mut conn = oubli.data().snapshot().await?;
    let row = subjects::require(&mut conn, &caller.app, subject).await?;
    let identifiers = identifiers::list(&mut conn, &caller.app, subject).await?;
    Ok(Found {
        subject,
        state: row.state,
        created_at: row.created_at,
        last_contact: row.last_contact,
        identifiers: identifiers
            .into_iter()
            .map(|i| IdentifierInfo {
                identifier: i.identifier,
                kind: i.kind,
                created_at: i.created_at,
            })
            .collect(),
    })
}

/// The subject that an identifier belongs to.
///
/// # Errors
/// `invalid-identifier`, `subject-not-found`, `subject-erasing`.
pub async fn lookup(oubli: &Oubli, caller: &Caller, selector: &SubjectSelector) -> Result<Found> {
    let model = oubli.model(&mut oubli.data().conn().await?, &caller.app).await?;
    let subject = resolve(oubli, &caller.app, &model, selector).await?;
    get(oubli, caller, subject).await
}

/// A page of subjects, in the order of their ids, which is that of their creation. Subjects whose
/// erasure was acknowledged stand in it with that state until they are gone.
///
/// # Errors
/// When the database does not answer.
pub async fn list(
    oubli: &Oubli,
    caller: &Caller,
    after: Option<SubjectId>,
    limit: u32,
) -> Result<Vec<Subject>> {
    let mut conn = oubli.data().conn().await?;
    Ok(subjects::list(&mut conn, &caller.app, after, limit.into()).await?)
}
