//! Logs, and what is told of each request: its route's template, never its path or query.

use std::io::IsTerminal as _;
use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use actix_web::middleware::Next;
use tracing::Instrument;
use tracing_subscriber::EnvFilter;
use uuid::Uuid;

use crate::config::LogFormat;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Starts logging to stderr. `filter` is that of tracing-subscriber, such as `info,oubli_app=debug`.
///
/// # Errors
/// When the filter is not valid.
pub(crate) fn start(filter: &str, format: LogFormat) -> anyhow::Result<()> {
    // What lies below us tells of its own inner life at lower levels: a filter for everything does
    // not mean these.
    let filter = EnvFilter::try_new(filter)?
        .add_directive("actix_http=info".parse()?)
        .add_directive("actix_server=warn".parse()?)
        .add_directive("actix_web=info".parse()?)
        .add_directive("hyper=info".parse()?)
        .add_directive("hyper_util=info".parse()?)
        .add_directive("reqwest=info".parse()?)
        .add_directive("sqlx=warn".parse()?);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A second start in one process (tests) keeps the first.
    let started = match format {
        LogFormat::Text => logs.try_init(),
        LogFormat::Json => logs.json().flatten_event(true).try_init(),
    };
    drop(started);
    Ok(())
}

/// A method by its name; one that RFC 9110 does not know is a word of the caller's, and is not
/// repeated.
fn known(method: &Method) -> &str {
    if method.is_safe() || method.is_idempotent() || [Method::POST, Method::PATCH].contains(method)
    {
        method.as_str()
    } else {
        "other"
    }
}

/// Names a request, logs how it was answered, and keeps its answer out of caches.
///
/// # Errors
/// What the service inside answers.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let started = Instant::now();
    let id = Uuid::from_bytes(oubli_vault::random_bytes());
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let method = known(request.method());
    let span = tracing::info_span!("request", %id, method, route);
    let mut answer = next.call(request).instrument(span.clone()).await?;
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::info!(status = answer.status().as_u16(), micros, "answered"));
    let headers = answer.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(answer)
}
