//! Supplements to certificates of erasure: what was kept and went later, when and why, and how anyone
//! checks one offline with the published keys.

use oubli_domain::hold::ReleaseReason;
use oubli_domain::request::KeptItem;
use oubli_domain::{AppId, CertificateId, Code, Day, HoldId, RequestId, Time};
use oubli_store::{certificates, requests};
use serde::{Deserialize, Serialize};

use crate::caller::Caller;
use crate::certificate::CertificateError;
use crate::error::Result;
use crate::oubli::Oubli;
use crate::signed::{self, Statement};

/// What a supplement says. Like the certificate it names the request and never the person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Supplement {
    /// The service that issued it: its URL.
    pub iss: String,
    /// When, in seconds since 1970 (RFC 7519).
    pub iat: i64,
    /// The supplement's id.
    pub jti: CertificateId,
    /// The app whose data it was.
    pub app: AppId,
    /// The request of the erasure.
    pub request: RequestId,
    /// The certificate that it supplements.
    pub certificate: CertificateId,
    /// When the keys of these items had been deleted: from then on nobody could read them.
    pub keys_deleted_at: Time,
    /// What went, at least one item.
    pub erased: Vec<ErasedItem>,
    /// Who keeps the root key.
    pub root_provider: String,
}

/// An item that went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ErasedItem {
    /// What it was, as the certificate lists it.
    pub kept: KeptItem,
    /// How each of those who kept it ended.
    pub ended: Vec<Ending>,
}

/// How one who kept something ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Ending {
    /// A hold was released.
    Hold {
        /// The hold.
        hold: HoldId,
        /// When.
        released_at: Time,
        /// Why.
        reason: ReleaseReason,
    },
    /// The last day of a policy's rule passed.
    Policy {
        /// The SHA-256 digest of the plugin, in hex.
        plugin: String,
        /// That day.
        until: Day,
    },
}

impl Statement for Supplement {
    const TYPE: &'static str = "oubli-erasure-supplement+jwt";

    fn app(&self) -> &AppId {
        &self.app
    }
}

/// Checks a supplement offline: its signature under one of the published keys of its app. `keys_json`
/// is the body of `/.well-known/oubli-keys`.
///
/// # Errors
/// Why it does not hold.
pub fn verify_supplement(jws: &str, keys_json: &str) -> Result<Supplement, CertificateError> {
    Ok(signed::verify(jws, keys_json)?)
}

/// A supplement as it was issued.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// Its id.
    pub supplement: CertificateId,
    /// When it was issued.
    pub created_at: Time,
    /// The supplement itself, as JWS compact serialisation.
    pub jws: String,
}

/// At most `limit` supplements to the certificate of a request after `after`, oldest first.
///
/// # Errors
/// `request-not-found`.
pub async fn supplements(
    oubli: &Oubli,
    caller: &Caller,
    request: RequestId,
    after: Option<CertificateId>,
    limit: u32,
) -> Result<Vec<Issued>> {
    let mut conn = oubli.data().snapshot().await?;
    let app = &caller.app;
    requests::get(&mut conn, app, request).await?.ok_or(Code::RequestNotFound)?;
    let rows = certificates::supplements(&mut conn, app, request, after, limit.into()).await?;
    let issued = |(supplement, jws, created_at)| Issued { supplement, created_at, jws };
    Ok(rows.into_iter().map(issued).collect())
}
