//! Lists: a page and where the next one begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oubli_domain::{Code, Refusal};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// The longest page.
const MOST: u32 = 1_000;
const USUAL: u32 = 100;

/// Which page of a list.
#[derive(Deserialize, IntoParams, Debug)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Where to go on: `next` of the page before. Opaque.
    cursor: Option<String>,
    /// How many items, 1 to 1,000; 100 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct Page<T> {
    /// The items, in the order of the list.
    pub(crate) items: Vec<T>,
    /// The cursor of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl PageQuery {
    /// A page query of other parameters beside it.
    pub(crate) fn new(cursor: Option<String>, limit: Option<u32>) -> Self {
        Self { cursor, limit }
    }

    /// How many items.
    ///
    /// # Errors
    /// `invalid-query` out of bounds.
    pub(crate) fn limit(&self) -> Result<u32, Problem> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            _ => Err(Refusal::new(Code::InvalidQuery).detail("limit must be 1 to 1000.").into()),
        }
    }

    /// The place after which the page begins.
    ///
    /// # Errors
    /// `invalid-cursor` unless this list gave it.
    pub(crate) fn after<K: std::str::FromStr>(&self) -> Result<Option<K>, Problem> {
        let Some(cursor) = &self.cursor else { return Ok(None) };
        let text = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|b| String::from_utf8(b).ok());
        let key = text.and_then(|text| text.parse().ok());
        key.map(Some).ok_or_else(|| Code::InvalidCursor.into())
    }
}

/// The place after which a next page begins, as a cursor that [`PageQuery::after`] reads.
pub(crate) fn cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

impl<T> Page<T> {
    /// A page of `limit` items or fewer; a full one has a next.
    pub(crate) fn of(items: Vec<T>, limit: u32, key: impl Fn(&T) -> String) -> Self {
        let full = items.len() >= limit as usize;
        let next = items.last().filter(|_| full).map(|last| cursor(&key(last)));
        Self { items, next }
    }
}
