//! What a new data map may not do: change the type of a field of which values are stored. They
//! would no longer fit, and nobody would know until they were read.

use std::collections::BTreeMap;

use oubli_domain::{AppId, Code, CompiledDataMap, DataMap, Name, Refusal};
use oubli_store::data_maps::{self, StoredDataMap};
use oubli_store::records;

use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// How many records are looked at in one read; each is at most some 256 KiB.
const PAGE: i64 = 100;

/// Refuses `new` when it changes the type of a stored field.
///
/// # Errors
/// `stored-field-type`: each such field with the number of records that hold it.
pub(super) async fn refuse_changed_types(
    oubli: &Oubli,
    app: &AppId,
    new: &CompiledDataMap,
    current: &StoredDataMap,
) -> Result<()> {
    let declared = last_declared(oubli, app, new.map(), current).await?;
    let mut changed: BTreeMap<Name, BTreeMap<Name, u64>> = BTreeMap::new();
    for (category, field) in new.changes_type_of(&declared) {
        changed.entry(category).or_default().insert(field, 0);
    }
    let mut refusal = Refusal::new(Code::StoredFieldType);
    for (category, mut fields) in changed {
        count(oubli, app, &category, &mut fields).await?;
        for (field, count) in fields.into_iter().filter(|(_, count)| *count > 0) {
            let pointer = format!("/categories/{category}/fields/{field}/schema/type");
            let records = if count == 1 { "record holds" } else { "records hold" };
            refusal = refusal.at(pointer, format!("{count} {records} it with another type"));
        }
    }
    if refusal.errors.is_empty() { Ok(()) } else { Err(refusal.into()) }
}

/// The last declaration of every field of `new` that ever was declared. A field that was taken out
/// stays stored: when it comes back, its values are still of the type that it had.
async fn last_declared(
    oubli: &Oubli,
    app: &AppId,
    new: &DataMap,
    current: &StoredDataMap,
) -> Result<DataMap> {
    let mut declared = read(current)?;
    for version in (1..current.version).rev() {
        if has_every_field(&declared, new) {
            break;
        }
        let mut conn = oubli.data().conn().await?;
        if let Some(older) = data_maps::get(&mut conn, app, version).await? {
            add_missing(&mut declared, read(&older)?);
        }
    }
    Ok(declared)
}

fn read(stored: &StoredDataMap) -> Result<DataMap> {
    serde_json::from_str(&stored.document).map_err(|_| Error::Damaged("data_maps.document"))
}

fn has_every_field(declared: &DataMap, new: &DataMap) -> bool {
    new.categories.iter().all(|(name, category)| {
        declared.categories.get(name).is_some_and(|known| {
            category.fields.keys().all(|field| known.fields.contains_key(field))
        })
    })
}

fn add_missing(declared: &mut DataMap, older: DataMap) {
    for (name, category) in older.categories {
        let Some(known) = declared.categories.get_mut(&name) else {
            declared.categories.insert(name, category);
            continue;
        };
        for (field, was) in category.fields {
            known.fields.entry(field).or_insert(was);
        }
    }
}

/// Counts the records of a category that hold each of these fields. Names stand in clear.
async fn count(
    oubli: &Oubli,
    app: &AppId,
    category: &Name,
    fields: &mut BTreeMap<Name, u64>,
) -> Result<()> {
    let mut after = None;
    loop {
        // A read of its own for each page: none may last.
        let mut conn = oubli.data().conn().await?;
        let page =
            records::page_of_category(&mut conn, app, category, after.as_ref(), PAGE).await?;
        drop(conn);
        for field in page.iter().flat_map(|record| &record.fields) {
            if let Some(count) = fields.get_mut(&field.name) {
                *count += 1;
            }
        }
        match page.into_iter().last() {
            Some(last) => after = Some(last.key),
            None => return Ok(()),
        }
    }
}
