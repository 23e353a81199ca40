//! What an access token says (RFC 9068, section 2.2).

use oubli_domain::scope::Role;
use oubli_domain::{AppId, SessionId, Time};
use oubli_vault::token::ACCESS_TOKEN_TYPE;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::log::hex;
use crate::oubli::Oubli;

/// The claims of an access token. A client's names its app; a staff user's its session.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    /// The client, or the staff user.
    pub(crate) sub: String,
    pub(crate) client_id: String,
    /// Seconds since 1970, as all times here (RFC 7519, section 2).
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    pub(crate) scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) app: Option<AppId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<SessionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
}

impl Claims {
    /// Claims for `seconds` from `now` on, with an id of their own. The service is issuer and
    /// audience at once.
    pub(crate) fn new(oubli: &Oubli, sub: String, now: Time, seconds: u32) -> Self {
        let issuer = &oubli.options().issuer;
        Self {
            iss: issuer.clone(),
            aud: issuer.clone(),
            client_id: sub.clone(),
            sub,
            iat: now.seconds(),
            exp: now.plus_seconds(seconds.into()).seconds(),
            jti: hex(&oubli_vault::random_bytes::<16>()),
            scope: String::new(),
            app: None,
            sid: None,
            role: None,
        }
    }

    /// The signed token.
    pub(crate) async fn sign(&self, oubli: &Oubli) -> Result<String> {
        let secrets = oubli.recent_secrets().await;
        Ok(secrets.signing(oubli.now()).sign_jws(ACCESS_TOKEN_TYPE, self)?)
    }
}
