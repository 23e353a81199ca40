//! Certificates of erasure: what they say, and how anyone checks one offline with the published
//! keys.

use std::collections::BTreeMap;

use oubli_domain::request::KeptItem;
use oubli_domain::{AppId, CertificateId, RequestId, Right, Time};
use oubli_vault::TokenError;
use serde::{Deserialize, Serialize};

use crate::signed::{self, SignedError, Statement};
use crate::{kept_items, leaving};

/// What a certificate says. It names the request and never the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    /// The service that issued it: its URL.
    pub iss: String,
    /// When, in seconds since 1970 (RFC 7519).
    pub iat: i64,
    /// The certificate's id.
    pub jti: CertificateId,
    /// The app whose data it was.
    pub app: AppId,
    /// The request that was completed.
    pub request: RequestId,
    /// `erasure`.
    pub right: Right,
    /// When the controller received the request: the clock of Art. 12(3) started here.
    pub received_at: Time,
    /// From when on the person could not be found.
    pub acknowledged_at: Time,
    /// When everything had been deleted and counted.
    pub completed_at: Time,
    /// Rows deleted, by table.
    pub deleted: BTreeMap<String, u64>,
    /// Rows left when every table was counted, by table: all 0.
    pub left: BTreeMap<String, u64>,
    /// What a duty or hold keeps.
    pub kept: Vec<KeptItem>,
    /// The SHA-256 digests of the plugins that decided what is kept.
    pub deciding_plugins: Vec<String>,
    /// What became of the data key.
    pub key: KeyFate,
    /// When no backup can bring the data back; none while that is open.
    pub final_at: Option<Time>,
    /// The same in words.
    pub finality: String,
}

/// What became of a data key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyFate {
    /// The epoch of the app key that wrapped it; 0 when there was no key.
    pub epoch: i64,
    /// When it was deleted.
    pub deleted_at: Option<Time>,
    /// Who keeps the root key.
    pub root_provider: String,
}

impl Statement for Claims {
    const TYPE: &'static str = "oubli-erasure-certificate+jwt";

    fn app(&self) -> &AppId {
        &self.app
    }
}

/// Why a certificate does not hold.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// It is not what the app signed.
    #[error(transparent)]
    Signed(#[from] SignedError),
    /// It says itself that something is left.
    #[error("it counts rows that are left")]
    RowsLeft,
}

/// A certificate of any kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
pub enum Certificate {
    /// Of the erasure of a person.
    Erasure(Box<Claims>),
    /// Of the deletion of an app.
    Deletion(Box<leaving::Claims>),
    /// Of what an erasure had kept and went later.
    Supplement(Box<kept_items::Supplement>),
}

/// Checks a certificate of any kind offline; see [`verify_certificate`],
/// [`leaving::verify_certificate`] and [`kept_items::verify_supplement`].
///
/// # Errors
/// Why it does not hold.
pub fn verify_any(jws: &str, keys_json: &str) -> Result<Certificate, CertificateError> {
    let erasure = verify_certificate(jws, keys_json);
    if !is_another_kind(&erasure) {
        return erasure.map(Box::new).map(Certificate::Erasure);
    }
    let deletion = leaving::verify_certificate(jws, keys_json);
    if !is_another_kind(&deletion) {
        return deletion.map(Box::new).map(Certificate::Deletion);
    }
    kept_items::verify_supplement(jws, keys_json).map(Box::new).map(Certificate::Supplement)
}

/// Whether what was checked is no statement of this kind.
fn is_another_kind<T>(checked: &Result<T, CertificateError>) -> bool {
    use CertificateError::Signed;
    matches!(checked, Err(Signed(SignedError::Signature(TokenError::Type))))
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
