//! Sealing and opening the fields of a record. A value is bound to its place and version.

use oubli_domain::Name;
use oubli_domain::record::{StoredField, is_empty_value};
use oubli_store::records::{RecordKey, StoredRecord};
use oubli_vault::DataKey;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// Encrypts the members of a validated body for one version of a record.
pub(super) fn seal_fields(
    key: &DataKey,
    at: &RecordKey,
    version: i64,
    body: &Map<String, Value>,
) -> Result<Vec<StoredField>> {
    body.iter()
        .map(|(name, value)| {
            let plain = Zeroizing::new(value.to_string());
            let context =
                key.field(at.category.as_str(), at.record.as_str(), name, version.unsigned_abs());
            Ok(StoredField {
                name: Name::new(name.as_str())?,
                empty: is_empty_value(value),
                ciphertext: key.seal(&context, plain.as_bytes())?,
            })
        })
        .collect()
}

/// Decrypts one field: the JSON text of its value.
///
/// # Errors
/// When the ciphertext does not belong where it stands.
pub(crate) fn open_stored(
    key: &DataKey,
    record: &StoredRecord,
    field: &StoredField,
) -> Result<Zeroizing<Vec<u8>>> {
    let at = &record.key;
    let (category, id, name) = (at.category.as_str(), at.record.as_str(), field.name.as_str());
    let context = key.field(category, id, name, record.version.unsigned_abs());
    Ok(key.open(&context, &field.ciphertext)?)
}

/// Decrypts the fields that `wanted` picks.
///
/// # Errors
/// When a ciphertext does not belong where it stands.
pub(crate) fn open_fields(
    key: &DataKey,
    record: &StoredRecord,
    wanted: impl Fn(&Name) -> bool,
) -> Result<Map<String, Value>> {
    let mut body = Map::new();
    for field in record.fields.iter().filter(|field| wanted(&field.name)) {
        let plain = open_stored(key, record, field)?;
        let value =
            serde_json::from_slice(&plain).map_err(|_| Error::Damaged("the value of a field"))?;
        body.insert(field.name.as_str().to_owned(), value);
    }
    Ok(body)
}
