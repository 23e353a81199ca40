//! Who calls: the bearer token of a request, and the permission that a handler asks for.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use oubli_app::auth::{self, Principal, Staff};
use oubli_app::{Caller, apps};
use oubli_domain::{AppId, Code};

use super::scopes::Needs;
use crate::problem::Problem;
use crate::state::Api;

/// What an extractor makes of the head of a request, as the future that actix-web wants. It leaves the
/// body where it is.
fn extracted<T: 'static>(
    request: &HttpRequest,
    make: impl AsyncFnOnce(&HttpRequest) -> Result<T, Problem> + 'static,
) -> LocalBoxFuture<'static, Result<T, Problem>> {
    let request = request.clone();
    Box::pin(async move { make(&request).await })
}

/// A caller who has the scope `S` in the app of the path. An app that the caller may not see is
/// not found, as if it never was; staff are told of one that is being deleted.
pub(crate) struct Granted<S> {
    pub(crate) caller: Caller,
    scope: PhantomData<S>,
}

impl<S: Needs> FromRequest for Granted<S> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extracted(request, async |request: &HttpRequest| {
            let caller = granted::<S>(request).await?;
            Ok(Self { caller, scope: PhantomData })
        })
    }
}

/// The caller of a request, checked for a scope in the app of the path.
pub(super) async fn granted<S: Needs>(request: &HttpRequest) -> Result<Caller, Problem> {
    let principal = principal(request).await?;
    let app = app_of_path(request)?;
    let caller = principal.caller_for(&app, S::SCOPE)?;
    if principal.staff().is_some() {
        apps::require_standing(&api(request)?.oubli, &app).await?;
    }
    Ok(caller)
}

/// A member of staff who has the scope `S` in the app of the path, whether it stands or is being
/// deleted.
pub(crate) struct GrantedLeaving<S> {
    pub(crate) caller: Caller,
    scope: PhantomData<S>,
}

impl<S: Needs> FromRequest for GrantedLeaving<S> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extracted(request, async |request: &HttpRequest| {
            let (_, caller) = granted_leaving::<S>(request).await?;
            Ok(Self { caller, scope: PhantomData })
        })
    }
}

/// The member of staff who calls for the app of the path, whatever its state, checked for a scope.
pub(super) async fn granted_leaving<S: Needs>(
    request: &HttpRequest,
) -> Result<(Staff, Caller), Problem> {
    let principal = principal(request).await?;
    let caller = principal.caller_for(&app_of_path(request)?, S::SCOPE)?;
    let staff = principal.staff().cloned().ok_or(Code::InsufficientScope)?;
    Ok((staff, caller))
}

fn app_of_path(request: &HttpRequest) -> Result<AppId, Problem> {
    let app = request.match_info().get("app").and_then(|app| AppId::new(app).ok());
    Ok(app.ok_or(Code::AppNotFound)?)
}

/// A member of staff whose role gives the scope `S`, where no app is in the path.
pub(crate) struct GrantedStaff<S> {
    pub(crate) staff: Staff,
    scope: PhantomData<S>,
}

impl<S: Needs> FromRequest for GrantedStaff<S> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extracted(request, async |request: &HttpRequest| {
            let staff = granted_staff::<S>(request).await?;
            Ok(Self { staff, scope: PhantomData })
        })
    }
}

/// The member of staff who calls, checked for a scope.
pub(super) async fn granted_staff<S: Needs>(request: &HttpRequest) -> Result<Staff, Problem> {
    Ok(principal(request).await?.staff_scope(S::SCOPE)?.clone())
}

/// A member of staff, whatever the role.
pub(crate) struct AnyStaff(pub(crate) Staff);

impl FromRequest for AnyStaff {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extracted(request, async |request: &HttpRequest| {
            let principal = principal(request).await?;
            Ok(Self(principal.staff().cloned().ok_or(Code::InsufficientScope)?))
        })
    }
}

/// A member of staff, also one who must change the password before anything else.
pub(crate) struct AnySession(pub(crate) Staff);

impl FromRequest for AnySession {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        extracted(request, async |request: &HttpRequest| {
            let principal = verified(request).await?;
            Ok(Self(principal.staff().cloned().ok_or(Code::InsufficientScope)?))
        })
    }
}

async fn principal(request: &HttpRequest) -> Result<Principal, Problem> {
    let principal = verified(request).await?;
    principal.may_call()?;
    Ok(principal)
}

async fn verified(request: &HttpRequest) -> Result<Principal, Problem> {
    let api = api(request)?;
    let principal = auth::verify(&api.oubli, bearer(request)?).await?;
    api.rates.count(request, &principal.actor())?;
    Ok(principal)
}

/// The state of the application.
pub(super) fn api(request: &HttpRequest) -> Result<web::Data<Api>, Problem> {
    request.app_data::<web::Data<Api>>().cloned().ok_or_else(|| Code::Internal.into())
}

/// The token of a request (RFC 6750, section 2.1). Exactly one `Authorization` header may stand.
///
/// # Errors
/// `unauthenticated`.
fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    let mut headers = request.headers().get_all(AUTHORIZATION);
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Err(Code::Unauthenticated.into());
    };
    let (scheme, token) =
        header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Code::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(Code::Unauthenticated.into())
    }
}
