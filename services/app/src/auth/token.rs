//! Access tokens for clients: OAuth 2 client credentials (RFC 6749, section 4.4).

use oubli_domain::ClientId;
use oubli_domain::scope::Scopes;
use oubli_store::clients::{self, Client};

use super::claims::Claims;
use crate::clients::SECRET_DOMAIN;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// The one grant that is served.
pub const GRANT_TYPE: &str = "client_credentials";

/// Compared with when there is no such client, so that a wrong id costs what a wrong secret does.
const NO_MAC: [u8; 32] = [0; 32];

/// A token request, as its parameters read. An empty parameter counts as left out (RFC 6749,
/// section 3.2).
#[derive(Clone, Copy)]
pub struct TokenRequest<'a> {
    /// `grant_type`.
    pub grant_type: &'a str,
    /// The client's id.
    pub client_id: &'a str,
    /// The client's secret.
    pub client_secret: &'a str,
    /// `scope`: fewer scopes than the client has; all of them when left out.
    pub scope: Option<&'a str>,
}

/// What a client gets (RFC 6749, section 5.1).
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token, of type `Bearer`.
    pub access_token: String,
    /// For how many seconds it is valid.
    pub expires_in: u32,
    /// What it may do.
    pub scopes: Scopes,
}

/// Why no token was issued. All but the last are told in the form of RFC 6749, section 5.2.
#[derive(Debug, thiserror::Error)]
pub enum TokenRefusal {
    /// A parameter is missing, given twice or malformed; the text says which.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// No such client, a wrong secret, or a revoked client.
    #[error("the client is unknown or its secret is wrong")]
    InvalidClient,
    /// Another grant than [`GRANT_TYPE`].
    #[error("the only grant type is client_credentials")]
    UnsupportedGrantType,
    /// A scope that does not exist or that the client does not have.
    #[error("the client does not have every scope it asked for")]
    InvalidScope,
    /// The service failed.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl TokenRefusal {
    /// The `error` code of RFC 6749, section 5.2; none when the service failed.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::InvalidRequest(_) => Some("invalid_request"),
            Self::InvalidClient => Some("invalid_client"),
            Self::UnsupportedGrantType => Some("unsupported_grant_type"),
            Self::InvalidScope => Some("invalid_scope"),
            Self::Failed(_) => None,
        }
    }
}

impl From<oubli_store::StoreError> for TokenRefusal {
    fn from(error: oubli_store::StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Issues an access token to a client that proves its secret. It is valid for the app's
/// `access_token_seconds`.
///
/// # Errors
/// See [`TokenRefusal`]. An unknown client, a wrong secret and a revoked client cannot be told
/// apart, by the answer or by its time.
pub async fn issue(oubli: &Oubli, request: TokenRequest<'_>) -> Result<IssuedToken, TokenRefusal> {
    match request.grant_type {
        GRANT_TYPE => {}
        "" => return Err(TokenRefusal::InvalidRequest("grant_type is missing")),
        _ => return Err(TokenRefusal::UnsupportedGrantType),
    }
    let mut conn = oubli.data().snapshot().await?;
    let id = request.client_id.parse::<ClientId>().ok();
    let stored = match &id {
        Some(id) => clients::get(&mut conn, &id.app(), id).await?,
        None => None,
    };
    let client = proven(oubli, &request, stored).ok_or(TokenRefusal::InvalidClient)?;
    let scopes = narrowed(client.scopes, request.scope)?;
    let seconds = match oubli.model(&mut conn, &client.app).await {
        Ok(model) => model.settings.access_token_seconds,
        // The deletion of the app was approved.
        Err(Error::Refused(_)) => return Err(TokenRefusal::InvalidClient),
        Err(error) => return Err(error.into()),
    };
    let access_token = sign(oubli, client, scopes, seconds).await?;
    Ok(IssuedToken { access_token, expires_in: seconds, scopes })
}

/// The client, if the secret is its own and it is not revoked.
fn proven(oubli: &Oubli, request: &TokenRequest<'_>, stored: Option<Client>) -> Option<Client> {
    let parts = [request.client_id.as_bytes(), request.client_secret.as_bytes()];
    let (secrets, now) = (oubli.secrets(), oubli.now());
    let holds = |tag: Option<&Vec<u8>>| {
        secrets.mac.verify(SECRET_DOMAIN, &parts, tag.map_or(NO_MAC.as_slice(), Vec::as_slice))
    };
    let previous = stored.as_ref().and_then(|client| client.previous.as_ref());
    let previous = previous.filter(|(_, until)| now < *until).map(|(mac, _)| mac);
    // Both are always compared, so that nothing can be told from the time it takes.
    let holds = holds(stored.as_ref().map(|client| &client.secret_mac)) | holds(previous);
    stored.filter(|client| holds && client.revoked_at.is_none())
}

fn narrowed(all: Scopes, asked: Option<&str>) -> Result<Scopes, TokenRefusal> {
    let Some(asked) = asked.filter(|text| !text.is_empty()) else { return Ok(all) };
    let asked = Scopes::parse(asked).map_err(|_| TokenRefusal::InvalidScope)?;
    let some = asked.iter().next().is_some();
    if some && asked.within(all) { Ok(asked) } else { Err(TokenRefusal::InvalidScope) }
}

async fn sign(oubli: &Oubli, client: Client, scopes: Scopes, seconds: u32) -> Result<String> {
    let mut claims = Claims::new(oubli, client.client.to_string(), oubli.now(), seconds);
    claims.scope = scopes.to_string();
    claims.app = Some(client.app);
    claims.sign(oubli).await
}
