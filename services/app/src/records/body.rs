//! The body of a record before and after a write: what the data map declares of it, and what it no
//! longer declares. A field that a newer data map took out stays stored, read by no purpose: a
//! patch leaves it alone unless it sets it to null, and a put replaces it with all the rest.

use std::borrow::Cow;

use oubli_domain::{Code, CompiledDataMap};
use oubli_store::records::StoredRecord;
use oubli_vault::DataKey;
use serde_json::{Map, Value};

use super::open::open_fields;
use super::prepare::Wanted;
use crate::error::Result;

/// A body in two parts.
#[derive(Default)]
pub(super) struct Body {
    /// What is validated: an object once it was.
    pub(super) declared: Value,
    /// What was declared when it was written.
    undeclared: Map<String, Value>,
}

impl Body {
    /// Decrypts a stored body.
    ///
    /// # Errors
    /// When a ciphertext does not belong where it stands.
    pub(super) fn open(
        key: &DataKey,
        record: &StoredRecord,
        map: &CompiledDataMap,
    ) -> Result<Self> {
        let category = &record.key.category;
        Ok(Self {
            declared: open_fields(key, record, |field| map.declares(category, field))?.into(),
            undeclared: open_fields(key, record, |field| !map.declares(category, field))?,
        })
    }

    /// The body after the write; none for a deletion. `before` is none where there is no record.
    ///
    /// # Errors
    /// `record-not-found` where a record must be there.
    pub(super) fn after(wanted: &Wanted, before: Option<&Self>) -> Result<Option<Self>> {
        match (wanted, before) {
            (Wanted::Put(body) | Wanted::Import { body, .. }, _) => {
                Ok(Some(Self { declared: body.clone(), undeclared: Map::new() }))
            }
            (_, None) => Err(Code::RecordNotFound.into()),
            (Wanted::Delete, Some(_)) => Ok(None),
            (Wanted::Patch(patch), Some(before)) => Ok(Some(before.patched(patch))),
        }
    }

    /// A member that is not declared lands among the declared ones when it is set to a value, and
    /// is refused there.
    fn patched(&self, patch: &Value) -> Self {
        let mut declared = self.declared.clone();
        oubli_domain::json::merge_patch(&mut declared, patch);
        let mut undeclared = self.undeclared.clone();
        undeclared.retain(|name, _| patch.get(name) != Some(&Value::Null));
        Self { declared, undeclared }
    }

    /// Whether every member is declared.
    pub(super) fn is_declared(&self) -> bool {
        self.undeclared.is_empty()
    }

    /// Every member, as stored.
    pub(super) fn members(&self) -> Cow<'_, Map<String, Value>> {
        match &self.declared {
            Value::Object(declared) if self.is_declared() => Cow::Borrowed(declared),
            Value::Object(declared) => {
                let undeclared = self.undeclared.clone();
                Cow::Owned(declared.clone().into_iter().chain(undeclared).collect())
            }
            _ => Cow::Owned(self.undeclared.clone()),
        }
    }
}
