//! The `keys` database: wrapped keys and blind indexes. All of it is opaque here.

pub mod app_keys;
pub mod blind_indexes;
pub mod kept_keys;
pub mod key_sets;
pub mod service_secrets;
pub mod subject_keys;
pub mod work;

use oubli_domain::{AppId, ClaimId, SubjectId};
use uuid::Uuid;

use crate::error::{Result, StoreError};
use crate::lists;

/// A claim that is not kept yet: the app, the subject that it is about, and its id.
pub type PendingClaim = (AppId, SubjectId, ClaimId);

/// The subjects of claims, and their ids, each as one parameter.
fn list_claims(claims: &[(SubjectId, ClaimId)]) -> (String, String) {
    let subjects = claims.iter().map(|(subject, _)| subject.0.as_bytes().as_slice());
    let ids = claims.iter().map(|(_, claim)| claim.0.as_bytes().as_slice());
    (lists::of_bytes(subjects), lists::of_bytes(ids))
}

fn pending_claims(rows: Vec<(String, Uuid, Uuid)>) -> Result<Vec<PendingClaim>> {
    rows.into_iter()
        .map(|(app, subject, claim)| {
            let app = AppId::new(app).map_err(|_| StoreError::Damaged("the app of a claim"))?;
            Ok((app, SubjectId(subject), ClaimId(claim)))
        })
        .collect()
}
