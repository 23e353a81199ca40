//! Finding the subject that a call speaks of, by id or by identifier.

use oubli_domain::identifier::{IdentifierType, NormalisedIdentifier, normalise};
use oubli_domain::{AppId, Code, Pii, SubjectId};
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};
use oubli_store::{StoreError, identifiers};

use crate::error::Result;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// How a call names a subject.
#[derive(Clone, Debug)]
pub enum SubjectSelector {
    /// By its id.
    Id(SubjectId),
    /// By a value that finds it.
    Identifier {
        /// What kind of value.
        kind: IdentifierType,
        /// The value, as typed.
        value: Pii<String>,
    },
}

/// The id of the subject that is meant. An id is given back as it is, unseen.
///
/// # Errors
/// `invalid-identifier`; `subject-not-found` when nobody has the identifier.
pub async fn resolve(
    oubli: &Oubli,
    app: &AppId,
    model: &Model,
    selector: &SubjectSelector,
) -> Result<SubjectId> {
    match selector {
        SubjectSelector::Id(id) => Ok(*id),
        SubjectSelector::Identifier { kind, value } => {
            let normal = normalise(*kind, value.expose(), model.country())?;
            let owner = find_owner(oubli, app, &normal).await?;
            Ok(owner.ok_or(Code::SubjectNotFound)?.subject)
        }
    }
}

/// Whom an identifier belongs to; none while, or once, it is not in `data`.
pub(crate) async fn find_owner(
    oubli: &Oubli,
    app: &AppId,
    identifier: &NormalisedIdentifier,
) -> Result<Option<Owner>> {
    let owner = retry_stale(|| async {
        let keys = oubli.keyring().app(app).await?;
        match occupant(oubli, app, &keys.blind_index(identifier)?).await? {
            // Nobody, or an index version that is complete no more.
            None if oubli.keyring().is_stale(&keys).await? => Err(StoreError::Stale.into()),
            owner => Ok(owner),
        }
    });
    match owner.await? {
        Some(owner) if owner.live || is_kept(oubli, app, &owner).await? => Ok(Some(owner)),
        _ => Ok(None),
    }
}

/// Who holds a blind index, also by a pending claim.
pub(crate) async fn occupant(
    oubli: &Oubli,
    app: &AppId,
    index: &BlindIndex,
) -> Result<Option<Owner>> {
    Ok(blind_indexes::find(&mut oubli.keys().conn().await?, app, index).await?)
}

/// Whether a pending index counts: its identifier is in `data`. It is not before the transaction
/// that brings it, nor after the one that removes it.
pub(crate) async fn is_kept(oubli: &Oubli, app: &AppId, owner: &Owner) -> Result<bool> {
    let mut conn = oubli.data().conn().await?;
    Ok(identifiers::exists(&mut conn, app, owner.subject, owner.identifier).await?)
}
