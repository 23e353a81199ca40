//! Certificates of the deletion of an app: what they say, and how anyone checks one offline with the
//! published keys.

use std::collections::BTreeMap;

use oubli_domain::{AppId, CertificateId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::certificate::CertificateError;
use crate::signed::{self, Statement};

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The service that issued it: its URL.
    pub iss: String,
    /// When, in seconds since 1970 (RFC 7519).
    pub iat: i64,
    /// The certificate's id.
    pub jti: CertificateId,
    /// The app.
    pub app: AppId,
    /// Which member of staff proposed the deletion.
    pub proposed_by: UserId,
    /// When.
    pub proposed_at: Time,
    /// Which other member of staff approved it.
    pub approved_by: UserId,
    /// When: from then on nobody reached the app.
    pub approved_at: Time,
    /// When everything had been deleted and counted.
    pub counted_at: Time,
    /// Rows deleted, by table.
    pub deleted: BTreeMap<String, u64>,
    /// Rows left when every table was counted, by table: all 0.
    pub left: BTreeMap<String, u64>,
    /// What became of the keys.
    pub keys: KeyFate,
    /// When no backup can bring the data back; none while that is open.
    pub final_at: Option<Time>,
    /// The same in words.
    pub finality: String,
}

/// What became of the keys of an app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyFate {
    /// When the keys of all people of the app were deleted.
    pub data_keys_deleted_at: Option<Time>,
    /// What becomes of the app's own keys, one of which signs this.
    pub app_keys: String,
    /// Who keeps the root key.
    pub root_provider: String,
}

impl Statement for Claims {
    const TYPE: &'static str = "oubli-app-deletion-certificate+jwt";

    fn app(&self) -> &AppId {
        &self.app
    }
}

/// Checks a certificate offline: its signature under one of the published keys of its app, and
/// that it counts no row left. `keys_json` is the body of `/.well-known/oubli-keys`.
///
/// # Errors
/// Why it does not hold.
pub fn verify_certificate(jws: &str, keys_json: &str) -> Result<Claims, CertificateError> {
    let claims: Claims = signed::verify(jws, keys_json)?;
    if claims.left.values().any(|rows| *rows != 0) {
        return Err(CertificateError::RowsLeft);
    }
    Ok(claims)
}
