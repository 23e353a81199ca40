//! The versions of a record, without values.

use oubli_domain::Code;
use oubli_store::record_versions::{self, Version};
use oubli_store::records::{self, RecordKey};
use oubli_store::subjects;

use crate::caller::Caller;
use crate::error::Result;
use crate::oubli::Oubli;

/// A page of versions, oldest first.
///
/// # Errors
/// `record-not-found` when there never was such a record; `subject-not-found`, `subject-erasing`.
pub async fn versions(
    oubli: &Oubli,
    caller: &Caller,
    key: &RecordKey,
    after: i64,
    limit: u32,
) -> Result<Vec<Version>> {
    let mut conn = oubli.data().snapshot().await?;
    subjects::require(&mut conn, &caller.app, key.subject).await?;
    let page = record_versions::versions(&mut conn, &caller.app, key, after, limit.into()).await?;
    if page.is_empty() && records::last_version(&mut conn, &caller.app, key).await? == 0 {
        return Err(Code::RecordNotFound.into());
    }
    Ok(page)
}
