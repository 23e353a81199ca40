//! Sealing fields under the key of a kept item, and opening them. A value is bound to the item, its
//! category and its field.

use oubli_domain::record::StoredField;
use oubli_domain::request::KeptItem;
use oubli_domain::{AppId, KeptItemId};
use oubli_store::keys::kept_keys;
use oubli_store::records::StoredRecord;
use oubli_vault::{DataKey, Label};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::oubli::Oubli;
use crate::records::open_stored;

/// The fields of an item, each sealed under its key.
pub(crate) type Sealed = Vec<StoredField>;

/// Opens the fields of a record that an item keeps, and seals them under the item's key.
///
/// # Errors
/// When a ciphertext does not belong where it stands, or a field is missing.
pub(crate) fn seal(
    key: &DataKey,
    record: &StoredRecord,
    kept_key: &DataKey,
    id: KeptItemId,
    item: &KeptItem,
) -> Result<Sealed> {
    let place = id.to_string();
    let kept = record.fields.iter().filter(|field| item.fields.contains(&field.name));
    let sealed = kept.map(|field| {
        let plain = open_stored(key, record, field)?;
        let category = item.category.as_str();
        let context = kept_key.context(Label::KeptItem, category, &place, field.name.as_str());
        let ciphertext = kept_key.seal(&context, &plain)?;
        Ok(StoredField { name: field.name.clone(), empty: field.empty, ciphertext })
    });
    let sealed: Sealed = sealed.collect::<Result<_>>()?;
    if sealed.len() == item.fields.len() {
        Ok(sealed)
    } else {
        Err(Error::Damaged("a field to keep"))
    }
}

/// The values of an item.
///
/// # Errors
/// When a ciphertext does not belong where it stands.
pub(super) fn open(
    key: &DataKey,
    id: KeptItemId,
    item: &KeptItem,
    sealed: &[StoredField],
) -> Result<Map<String, Value>> {
    let (place, category) = (id.to_string(), item.category.as_str());
    let mut body = Map::new();
    for field in sealed {
        let context = key.context(Label::KeptItem, category, &place, field.name.as_str());
        let plain = key.open(&context, &field.ciphertext)?;
        let value = serde_json::from_slice(&plain).map_err(|_| Error::Damaged("a kept value"))?;
        body.insert(field.name.as_str().to_owned(), value);
    }
    Ok(body)
}

/// Deletes the keys of items: nobody can read them from then on.
pub(crate) async fn delete_keys(oubli: &Oubli, app: &AppId, items: Vec<KeptItemId>) -> Result<()> {
    let app = app.clone();
    let deleted = oubli.keys().write("kept_items.delete_keys", move |tx| {
        let (app, items) = (app.clone(), items.clone());
        Box::pin(async move {
            for item in items {
                kept_keys::delete(tx, &app, item).await?;
            }
            Ok(())
        })
    });
    Ok(deleted.await?)
}
