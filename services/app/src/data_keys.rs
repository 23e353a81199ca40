//! The data keys of many people.

use std::collections::HashMap;
use std::sync::Arc;

use oubli_domain::{AppId, Refusal, SubjectId};
use oubli_vault::DataKey;

use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// The data key of each of these subjects; where one has none, the refusal.
///
/// # Errors
/// When a database fails, or a key does not open.
pub(crate) async fn data_keys(
    oubli: &Oubli,
    app: &AppId,
    subjects: &[SubjectId],
) -> Result<HashMap<SubjectId, Result<Arc<DataKey>, Refusal>>> {
    let mut keys = HashMap::with_capacity(subjects.len());
    for subject in subjects {
        let key = match oubli.keyring().data_key(app, *subject).await {
            Ok(key) => Ok(key),
            Err(Error::Refused(refusal)) => Err(refusal),
            Err(error) => return Err(error),
        };
        keys.insert(*subject, key);
    }
    Ok(keys)
}
