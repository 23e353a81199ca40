//! The purposes of the data map in force, as callers see them.

use std::collections::HashMap;
use std::sync::Arc;

use oubli_domain::Name;
use oubli_domain::data_map::{FieldSet, Purpose};
use oubli_store::notices;

use crate::caller::Caller;
use crate::error::Result;
use crate::model::Model;
use crate::oubli::Oubli;

/// A purpose in force.
#[derive(Clone, PartialEq, Debug)]
pub struct PurposeInfo {
    /// Its name.
    pub name: Name,
    /// As declared.
    pub declared: Purpose,
    /// The fields that it reads, by category, with `*` resolved.
    pub fields: FieldSet,
    /// The newest version of its notice; none while there is no text, so that nobody can consent.
    pub notice_version: Option<i64>,
}

/// Every purpose in force, by name: at most 200.
///
/// # Errors
/// `data-map-not-found`.
pub async fn list(oubli: &Oubli, caller: &Caller) -> Result<Vec<PurposeInfo>> {
    let (model, versions) = read(oubli, caller).await?;
    let names = model.map()?.map().purposes.keys();
    names.map(|name| info(&model, &versions, name)).collect()
}

/// One purpose in force.
///
/// # Errors
/// `data-map-not-found`, `purpose-not-found`.
pub async fn get(oubli: &Oubli, caller: &Caller, purpose: &Name) -> Result<PurposeInfo> {
    let (model, versions) = read(oubli, caller).await?;
    model.in_force(purpose)?;
    info(&model, &versions, purpose)
}

async fn read(oubli: &Oubli, caller: &Caller) -> Result<(Arc<Model>, HashMap<Name, i64>)> {
    let mut conn = oubli.data().snapshot().await?;
    let model = oubli.model(&mut conn, &caller.app).await?;
    let versions = notices::newest_versions(&mut conn, &caller.app).await?;
    Ok((model, versions.into_iter().collect()))
}

fn info(model: &Model, versions: &HashMap<Name, i64>, name: &Name) -> Result<PurposeInfo> {
    let map = model.map()?;
    let declared = map.purpose(name)?.clone();
    let fields = map.fields_for(name)?.clone();
    let notice_version = declared.notice.as_ref().and_then(|n| versions.get(n).copied());
    Ok(PurposeInfo { name: name.clone(), declared, fields, notice_version })
}
