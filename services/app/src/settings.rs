//! The settings of an app.

use oubli_domain::{Code, Refusal};
use serde::{Deserialize, Serialize};

/// What an app's admin may set. Every member has a default.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How long an access token of a client is valid: 60 to 3,600 seconds, 900 by default.
    pub access_token_seconds: u32,
    /// How long an export can be downloaded: 1 to 720 hours, 72 by default.
    pub download_hours: u32,
    /// For how many months the log tells what a read was of: 1 to 120, 12 by default.
    pub read_payload_months: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { access_token_seconds: 900, download_hours: 72, read_payload_months: 12 }
    }
}

impl Settings {
    /// Checks the bounds.
    ///
    /// # Errors
    /// `invalid-body` with each member that is out of bounds.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut refusal = Refusal::new(Code::InvalidBody);
        if !(60..=3_600).contains(&self.access_token_seconds) {
            refusal = refusal.at("/access_token_seconds", "must be 60 to 3600");
        }
        if !(1..=720).contains(&self.download_hours) {
            refusal = refusal.at("/download_hours", "must be 1 to 720");
        }
        if !(1..=120).contains(&self.read_payload_months) {
            refusal = refusal.at("/read_payload_months", "must be 1 to 120");
        }
        if refusal.errors.is_empty() { Ok(()) } else { Err(refusal) }
    }
}
