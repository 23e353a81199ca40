//! The bounds of the head of a request: its URL and its headers.

use actix_web::HttpRequest;
use oubli_domain::{Code, Refusal};

use crate::problem::Problem;
use crate::state::{Limit, Limits};

/// Refuses a request whose head is over a bound.
///
/// # Errors
/// `url-too-long` and `headers-too-large`, with the bound and its name.
pub(crate) fn bounded(request: &HttpRequest, limits: &Limits) -> Result<(), Problem> {
    let url = request.uri().path_and_query().map_or(0, |url| url.as_str().len());
    within(url, limits.url_bytes, Code::UrlTooLong, "The URL of a request is at most", "bytes")?;
    let headers = request.headers();
    let code = Code::HeadersTooLarge;
    within(headers.len(), limits.headers, code, "A request has at most", "headers")?;
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    within(bytes, limits.header_bytes, code, "The headers of a request are at most", "bytes")
}

fn within(
    found: usize,
    limit: Limit,
    code: Code,
    sentence: &str,
    unit: &str,
) -> Result<(), Problem> {
    if found <= limit.most {
        return Ok(());
    }
    Err(Refusal::new(code).detail(format!("{sentence} {}", limit.told(unit))).into())
}
