//! The body of a call that changes something, with who calls and whether it may be a repeat.

use std::marker::PhantomData;
use std::pin::pin;
use std::task::Poll;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::rt::task::yield_now;
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut, Query};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt, poll};
use oubli_app::auth::Staff;
use oubli_app::{Actor, Call, Caller, Once};
use oubli_domain::{Code, Refusal, json};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;

use super::auth::{api, granted, granted_leaving, granted_staff};
use super::scopes::Needs;
use crate::load::{Held, SMALL};
use crate::openapi;
use crate::problem::Problem;
use crate::state::{Api, Limit, Limits};

const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A wire type that a call may bring as its body. `()` brings none.
pub(crate) trait Input: Sized + 'static {
    /// The media types that are taken; empty when no body is.
    const MEDIA_TYPES: &'static [&'static str] = &["application/json"];

    /// The longest body.
    fn most_bytes(limits: &Limits) -> Limit {
        limits.body_bytes
    }

    /// Where the items of a batch stand.
    const ITEMS: &'static str = "/items";

    /// How many items a batch has; 0 where it is none. `limits.batch_items` bounds it.
    fn items(&self) -> usize {
        0
    }

    /// What a call without a body means, where one may be left out.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads strictly parsed JSON.
    ///
    /// # Errors
    /// `invalid-body` with the place of the first fault.
    fn read(value: Value) -> Result<Self, Refusal>;
}

impl Input for () {
    const MEDIA_TYPES: &'static [&'static str] = &[];

    fn read(_: Value) -> Result<Self, Refusal> {
        Ok(())
    }
}

/// Reads a wire type, naming the place of the first fault without repeating it.
pub(crate) fn read_json<T: DeserializeOwned>(value: Value) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        // A name that the caller made up is not repeated: the pointer ends at what holds it.
        let places = error.path().iter().map_while(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } if openapi::is_member(key) => Some(format!("/{key}")),
            _ => None,
        });
        let pointer: String = places.collect();
        Refusal::new(Code::InvalidBody).at(pointer, fault(&error.inner().to_string()))
    })
}

/// serde's message quotes what it found: only its beginning is passed on, and only in known forms.
fn fault(message: &str) -> String {
    for known in ["missing field `", "unknown field", "duplicate field", "unknown variant"] {
        if let Some(rest) = message.strip_prefix(known) {
            return match (known, rest.split_once('`')) {
                ("missing field `", Some((field, _))) => format!("lacks the member {field}"),
                ("unknown variant", _) => "is not one of the allowed words".to_owned(),
                ("duplicate field", _) => "has a member twice".to_owned(),
                _ => "has a member that is not documented".to_owned(),
            };
        }
    }
    match message.rsplit_once("expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("must be {expected}"),
        _ if message.starts_with("must be ") || message.starts_with("not a") => message.to_owned(),
        _ if message.starts_with("there is no such ") => message.to_owned(),
        _ => "does not have the documented form".to_owned(),
    }
}

/// What an extractor makes of a request and its body, as the future that actix-web wants.
fn extracted<T: 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    make: impl AsyncFnOnce(&HttpRequest, &mut Payload) -> Result<T, Problem> + 'static,
) -> LocalBoxFuture<'static, Result<T, Problem>> {
    let (request, mut payload) = (request.clone(), payload.take());
    Box::pin(async move { make(&request, &mut payload).await })
}

/// A question to the app of the path that needs a body, since personal data is in no URL. It changes
/// nothing, so it takes no `Idempotency-Key`.
pub(crate) struct Ask<S, T> {
    pub(crate) caller: Caller,
    pub(crate) body: T,
    scope: PhantomData<S>,
}

impl<S: Needs, T: Input> FromRequest for Ask<S, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            let caller = granted::<S>(request).await?;
            let (body, _) = read::<T>(request, payload).await?;
            Ok(Self { caller, body, scope: PhantomData })
        })
    }
}

/// The parameters of a form that anybody may send, as they were sent: one that stands twice is seen.
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    const MEDIA_TYPE: &'static str = "application/x-www-form-urlencoded";

    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let pairs = Query::<Vec<(String, String)>>::from_query(text).ok()?;
        Some(Self(pairs.into_inner()))
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            let api = api(request)?;
            let bytes = arrived(request, payload, &api, Limits::OPEN_BYTES).await?;
            require_media_type(request, &[Self::MEDIA_TYPE])?;
            let fault = || Refusal::new(Code::InvalidBody).at("", "must be a form");
            Ok(Self::parse(&bytes).ok_or_else(fault)?)
        })
    }
}

/// A call that changes something in the app of the path: who calls (with the scope `S`), the body
/// and, when the caller sent an `Idempotency-Key`, what makes a repeat recognisable.
pub(crate) struct Write<S, T> {
    pub(crate) call: Call,
    pub(crate) body: T,
    scope: PhantomData<S>,
}

impl<S: Needs, T: Input> FromRequest for Write<S, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            let caller = granted::<S>(request).await?;
            let (body, bytes) = read::<T>(request, payload).await?;
            let once = once(request, &caller.actor, &bytes)?;
            Ok(Self { call: Call { caller, once }, body, scope: PhantomData })
        })
    }
}

/// A call of staff about the end of the app of the path, whatever its state.
pub(crate) struct LeavingWrite<S, T> {
    pub(crate) staff: Staff,
    pub(crate) call: Call,
    pub(crate) body: T,
    scope: PhantomData<S>,
}

impl<S: Needs, T: Input> FromRequest for LeavingWrite<S, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            let (staff, caller) = granted_leaving::<S>(request).await?;
            let (body, bytes) = read::<T>(request, payload).await?;
            let once = once(request, &caller.actor, &bytes)?;
            Ok(Self { staff, call: Call { caller, once }, body, scope: PhantomData })
        })
    }
}

/// A call of staff that changes something where no app is in the path.
pub(crate) struct StaffWrite<S, T> {
    pub(crate) staff: Staff,
    pub(crate) body: T,
    pub(crate) once: Option<Once>,
    scope: PhantomData<S>,
}

impl<S: Needs, T: Input> FromRequest for StaffWrite<S, T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            let staff = granted_staff::<S>(request).await?;
            let (body, bytes) = read::<T>(request, payload).await?;
            let once = once(request, &Actor::Staff(staff.user), &bytes)?;
            Ok(Self { staff, body, once, scope: PhantomData })
        })
    }
}

/// The body of a call that needs no scope.
pub(crate) struct Open<T>(pub(crate) T);

impl<T: Input> FromRequest for Open<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        extracted(request, payload, async |request, payload| {
            Ok(Self(read::<T>(request, payload).await?.0))
        })
    }
}

/// Reads the body of a request. The bytes are what a repeat is recognised by.
async fn read<T: Input>(
    request: &HttpRequest,
    payload: &mut Payload,
) -> Result<(T, Bytes), Problem> {
    let api = api(request)?;
    let limits = &api.limits;
    let bytes = arrived(request, payload, &api, T::most_bytes(limits)).await?;
    if T::MEDIA_TYPES.is_empty() {
        if bytes.is_empty() {
            return Ok((T::read(Value::Null)?, bytes));
        }
        return Err(Refusal::new(Code::InvalidBody).at("", "must be empty").into());
    }
    if let Some(absent) = T::absent().filter(|_| bytes.is_empty()) {
        return Ok((absent, bytes));
    }
    require_media_type(request, T::MEDIA_TYPES)?;
    let body = T::read(json::parse(&bytes)?)?;
    let most = limits.batch_items;
    if body.items() > most.most {
        let told = format!("must be at most {}", most.told("items"));
        return Err(Refusal::new(Code::InvalidBody).at(T::ITEMS, told).into());
    }
    Ok((body, bytes))
}

fn require_media_type(request: &HttpRequest, known: &[&str]) -> Result<(), Problem> {
    let sent = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = sent.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if known.iter().any(|known| known.eq_ignore_ascii_case(essence)) {
        return Ok(());
    }
    let expected = format!("The body must be {}.", known.join(" or "));
    Err(Refusal::new(Code::UnsupportedMediaType).detail(expected).into())
}

/// The body, once it is here. What is declared to be too large is not read at all.
async fn arrived(
    request: &HttpRequest,
    payload: &mut Payload,
    api: &Api,
    most: Limit,
) -> Result<Bytes, Problem> {
    if declared(request).is_some_and(|length| length > most.most) {
        return Err(too_large(most));
    }
    let mut held = api.load.hold();
    let bytes = in_time(api, collect(payload, most, &mut held, &api.limits)).await??;
    if bytes.len() > SMALL {
        // Until the call is done with it.
        request.extensions_mut().insert(held);
    }
    Ok(bytes)
}

/// Waits for a body. Meanwhile its call has no place in work; once the body is here it asks for one
/// again.
async fn in_time<T>(api: &Api, body: impl Future<Output = T>) -> Result<T, Problem> {
    let mut body = pin!(body);
    // What came with the head is handed on within one turn, and its call keeps its place.
    for _ in 0..2 {
        if let Poll::Ready(arrived) = poll!(body.as_mut()) {
            return Ok(arrived);
        }
        yield_now().await;
    }
    let away = api.load.away();
    let arrived = timeout(api.limits.body_time, body).await.map_err(|_| late(&api.limits))?;
    away.back(&api.limits)?;
    Ok(arrived)
}

/// How long the caller says that the body is.
fn declared(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The refusal of a body that did not arrive in time.
fn late(limits: &Limits) -> Problem {
    let most = limits.body_time.as_secs();
    let told = format!("A body arrives within {most} seconds (limits.body_seconds).");
    Refusal::new(Code::BodyTimeout).detail(told).into()
}

async fn collect(
    payload: &mut Payload,
    most: Limit,
    held: &mut Held,
    limits: &Limits,
) -> Result<Bytes, Problem> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| {
            Refusal::new(Code::MalformedJson).detail("The body did not arrive whole.")
        })?;
        if body.len() + chunk.len() > most.most {
            return Err(too_large(most));
        }
        held.grow(chunk.len(), limits)?;
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn too_large(most: Limit) -> Problem {
    let limit = format!("A body here is at most {}", most.told("bytes"));
    Refusal::new(Code::TooLarge).detail(limit).into()
}

fn once(request: &HttpRequest, actor: &Actor, body: &[u8]) -> Result<Option<Once>, Problem> {
    let mut keys = request.headers().get_all(IDEMPOTENCY_KEY);
    let Some(key) = keys.next() else { return Ok(None) };
    if keys.next().is_some() {
        return Err(Code::InvalidIdempotencyKey.into());
    }
    let key = key.to_str().map_err(|_| Code::InvalidIdempotencyKey)?;
    let (actor, method) = (actor.to_string(), request.method().as_str());
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    Ok(Some(api(request)?.oubli.once(&actor, key, method, path, body)?))
}
