//! What an app declares, for audits.

use serde::de::DeserializeOwned;

use crate::bindings::audit::exports::oubli::policy::audit as wire;
use crate::bindings::types::PolicyError;
use crate::day::Day;

/// What the app declares, and how its consents stand: alike for each batch of a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// The data map in force as canonical JSON; [`Declared::data_map`] reads it.
    pub json: String,
    /// Its purposes, in the order of the host.
    pub purposes: Vec<PurposeConsents>,
}

/// How the consents to a purpose stand, of all persons of the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PurposeConsents {
    /// Its name in the data map.
    pub name: String,
    /// Consents that hold now.
    pub live: u32,
    /// Of those, the ones that were given under an older version of the notice.
    pub older_notice: u32,
    /// The day the oldest of the live ones was given.
    pub oldest_grant: Option<Day>,
}

impl Declared {
    /// The data map, read into types that name what the policy needs of it.
    ///
    /// # Errors
    /// `unsupported` when the data map does not have that form.
    pub fn data_map<T: DeserializeOwned>(&self) -> Result<T, PolicyError> {
        serde_json::from_str(&self.json).map_err(|_| PolicyError::Unsupported)
    }
}

impl From<wire::Declared> for Declared {
    fn from(columns: wire::Declared) -> Self {
        let counts = columns.live_consents.into_iter().zip(columns.older_notice);
        let rows = columns.purpose.into_iter().zip(counts).zip(columns.oldest_grant);
        let purposes = rows.map(|((name, (live, older_notice)), oldest)| PurposeConsents {
            name,
            live,
            older_notice,
            oldest_grant: Day::from_column(oldest),
        });
        Self { json: columns.data_map, purposes: purposes.collect() }
    }
}
