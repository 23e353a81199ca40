//! Finding the subjects of a whole batch in a few queries.

use std::collections::{BTreeMap, HashMap};

use oubli_domain::identifier::{IdentifierType, normalise};
use oubli_domain::{AppId, Code, Refusal, SubjectId};
use oubli_store::StoreError;
use oubli_store::keys::blind_indexes::{self, BlindIndex, Owner};

use super::resolve::{SubjectSelector, is_kept};
use crate::error::{Error, Result};
use crate::keyring::AppKeys;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::retry::retry_stale;

/// As [`super::resolve`] for each of these, in their order, with one query for each type of
/// identifier.
///
/// # Errors
/// When a database fails. What is wrong with one selector stands in its own place.
pub(crate) async fn resolve_many(
    oubli: &Oubli,
    app: &AppId,
    model: &Model,
    selectors: &[&SubjectSelector],
) -> Result<Vec<Result<SubjectId, Refusal>>> {
    let (indexes, owners) = retry_stale(|| find(oubli, app, model, selectors)).await?;
    Ok(selectors
        .iter()
        .zip(indexes)
        .map(|(selector, index)| match (selector, index) {
            (SubjectSelector::Id(id), _) => Ok(*id),
            (_, Some(Ok(index))) => {
                owners.get(&index.value).copied().ok_or(Refusal::new(Code::SubjectNotFound))
            }
            (_, Some(Err(refusal))) => Err(refusal),
            (_, None) => Err(Refusal::new(Code::SubjectNotFound)),
        })
        .collect())
}

/// The blind index of each selector, none for an id; and whom the indexes belong to.
async fn find(
    oubli: &Oubli,
    app: &AppId,
    model: &Model,
    selectors: &[&SubjectSelector],
) -> Result<(Vec<Index>, HashMap<[u8; 32], SubjectId>)> {
    let keys = oubli.keyring().app(app).await?;
    let indexes = indexes(&keys, model, selectors)?;
    let wanted = || indexes.iter().filter_map(|i| i.as_ref()?.as_ref().ok());
    let owners = owners(oubli, app, wanted()).await?;
    // Who is not found has no identifier, or the index version is complete no more.
    let all = wanted().all(|index| owners.contains_key(&index.value));
    if !all && oubli.keyring().is_stale(&keys).await? {
        return Err(StoreError::Stale.into());
    }
    Ok((indexes, owners))
}

type Index = Option<Result<BlindIndex, Refusal>>;

/// The blind index of each identifier; none for an id.
fn indexes(keys: &AppKeys, model: &Model, selectors: &[&SubjectSelector]) -> Result<Vec<Index>> {
    selectors
        .iter()
        .map(|selector| {
            let SubjectSelector::Identifier { kind, value } = selector else { return Ok(None) };
            match normalise(*kind, value.expose(), model.country()) {
                Ok(normal) => keys.blind_index(&normal).map(|index| Some(Ok(index))),
                Err(refusal) => Ok(Some(Err(refusal))),
            }
        })
        .collect()
}

/// Whom these indexes belong to. Two types never share a value: the type stands in the MAC.
async fn owners<'i>(
    oubli: &Oubli,
    app: &AppId,
    indexes: impl Iterator<Item = &'i BlindIndex>,
) -> Result<HashMap<[u8; 32], SubjectId>> {
    let mut wanted: BTreeMap<(IdentifierType, i64), Vec<[u8; 32]>> = BTreeMap::new();
    for index in indexes {
        wanted.entry((index.kind, index.version)).or_default().push(index.value);
    }
    let mut found: Vec<([u8; 32], Owner)> = Vec::new();
    if !wanted.is_empty() {
        let mut conn = oubli.keys().conn().await?;
        for ((kind, version), values) in &wanted {
            found.extend(blind_indexes::find_many(&mut conn, app, *kind, *version, values).await?);
        }
    }
    let mut owners = HashMap::with_capacity(found.len());
    for (value, owner) in found {
        // Few claims are pending at a time: each is looked at by itself.
        if owner.live || is_kept(oubli, app, &owner).await? {
            owners.insert(value, owner.subject);
        }
    }
    Ok::<_, Error>(owners)
}
