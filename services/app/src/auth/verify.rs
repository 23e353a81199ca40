//! From the text of a token to whom it belongs.

use oubli_domain::scope::Scopes;
use oubli_domain::{AppId, AppState, ClientId, Code, SessionId, Time, UserId};
use oubli_store::staff::users;
use oubli_store::{apps, clients, staff};
use oubli_vault::{TokenError, verify_access_token};

use super::claims::Claims;
use super::principal::{Principal, Staff};
use super::verified::VerifiedTokens;
use crate::error::{Error, Result};
use crate::oubli::Oubli;

/// The longest token that is looked at, in bytes. Ours have some 600.
const MAX_TOKEN: usize = 4_096;
/// How often a token with an unknown key makes this node read the keys, in seconds.
const UNKNOWN_KEY_SECONDS: i64 = 5;

/// Whom a bearer token belongs to: its signature, issuer, audience and times hold, and its client
/// is not revoked or its session is open and its user not disabled. A token that was found good is
/// believed for 4 seconds, or until a revocation on this node.
///
/// # Errors
/// `unauthenticated` whatever is wrong with the token; `app-not-found` for a client of an app whose
/// deletion was approved; others only when a database fails.
pub async fn verify(oubli: &Oubli, token: &str) -> Result<Principal> {
    if token.len() > MAX_TOKEN {
        return Err(Code::Unauthenticated.into());
    }
    let (key, now) = (VerifiedTokens::key(token), oubli.now());
    if let Some(principal) = oubli.verified_tokens().get(&key, now) {
        return Ok(principal);
    }
    let claims = claims(oubli, token, now).await?;
    let generation = oubli.verified_tokens().generation();
    let principal = owner(oubli, &claims, now).await?.ok_or(Code::Unauthenticated)?;
    oubli.verified_tokens().put(key, principal.clone(), claims.exp, now, generation);
    Ok(principal)
}

/// What a token says. One that names an unknown key may name one that another node has just made:
/// the keys are read again, at most every [`UNKNOWN_KEY_SECONDS`].
async fn claims(oubli: &Oubli, token: &str, now: Time) -> Result<Claims> {
    let mut read = read(oubli, token, now);
    if read == Err(TokenError::UnknownKey) && oubli.reload_secrets(UNKNOWN_KEY_SECONDS).await? {
        read = self::read(oubli, token, now);
    }
    read.map_err(|_| Code::Unauthenticated.into())
}

fn read(oubli: &Oubli, token: &str, now: Time) -> Result<Claims, TokenError> {
    let keys: Vec<_> = oubli.secrets().published(now).cloned().collect();
    let issuer = &oubli.options().issuer;
    verify_access_token(token, &keys, issuer, issuer, now.seconds())
}

async fn owner(oubli: &Oubli, claims: &Claims, now: Time) -> Result<Option<Principal>> {
    match (&claims.app, claims.sid) {
        (Some(app), None) => client(oubli, claims, app).await,
        (None, Some(session)) => signed_in(oubli, claims, session, now).await,
        _ => Ok(None),
    }
}

async fn client(oubli: &Oubli, claims: &Claims, app: &AppId) -> Result<Option<Principal>> {
    let id: ClientId = claims.sub.parse().map_err(unreadable)?;
    let scopes = Scopes::parse(&claims.scope).map_err(unreadable)?;
    let mut conn = oubli.data().conn().await?;
    match apps::state(&mut conn, app).await? {
        Some(AppState::Deleting | AppState::Deleted) => return Err(Code::AppNotFound.into()),
        Some(AppState::Active) | None => {}
    }
    let stored = clients::get(&mut conn, app, &id).await?;
    drop(conn);
    Ok(stored.filter(|client| client.revoked_at.is_none()).map(|client| Principal::Client {
        client: client.client,
        app: client.app,
        scopes,
    }))
}

async fn signed_in(
    oubli: &Oubli,
    claims: &Claims,
    session: SessionId,
    now: Time,
) -> Result<Option<Principal>> {
    let id: UserId = claims.sub.parse().map_err(unreadable)?;
    let mut conn = oubli.data().snapshot().await?;
    let open = staff::sessions::get(&mut conn, session)
        .await?
        .is_some_and(|session| session.user == id && session.is_open(now));
    if !open {
        return Ok(None);
    }
    let user = staff::users::by_id(&mut conn, id).await?.filter(|u| u.disabled_at.is_none());
    Ok(user.map(|user| {
        let users::User { role, apps, must_change, .. } = user;
        Principal::Staff(Staff { user: id, session, role, apps, must_change })
    }))
}

/// A token of ours whose claims an older version of the service wrote otherwise.
fn unreadable(_: oubli_domain::Refusal) -> Error {
    Code::Unauthenticated.into()
}
