//! Conditions of a write (RFC 9110, section 13.1) and the entity tag of a record.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{IF_MATCH, IF_NONE_MATCH};
use actix_web::{FromRequest, HttpRequest};
use oubli_app::records::IfMatch;
use oubli_domain::{Code, Refusal};

use crate::problem::Problem;

/// `If-Match` or `If-None-Match: *`, when one stands.
pub(crate) struct Condition(pub(crate) Option<IfMatch>);

impl FromRequest for Condition {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(read(request).map(Self))
    }
}

fn read(request: &HttpRequest) -> Result<Option<IfMatch>, Problem> {
    let header = |name| {
        request.headers().get(name).map(|value| value.to_str().map(str::trim).unwrap_or_default())
    };
    match (header(IF_MATCH), header(IF_NONE_MATCH)) {
        (None, None) => Ok(None),
        (Some("*"), None) => Ok(Some(IfMatch::Any)),
        (None, Some("*")) => Ok(Some(IfMatch::Absent)),
        (Some(tag), None) => {
            let version = tag.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
            // A tag that we never gave out matches no version, which is what RFC 9110 asks.
            let version = version.and_then(|t| t.parse().ok()).filter(|v| *v > 0).unwrap_or(0);
            Ok(Some(IfMatch::Version(version)))
        }
        _ => Err(Refusal::new(Code::InvalidQuery)
            .detail("A write takes If-Match, or If-None-Match: *, not both.")
            .into()),
    }
}

/// The entity tag of a version.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}
