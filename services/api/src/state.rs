//! What every handler is handed.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use oubli_app::Oubli;

use crate::load::Load;
use crate::rate::{Rates, Ticks};

/// A bound and what it is called in the configuration: its error names both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    /// The key of the configuration; none where the bound cannot be set.
    pub key: Option<&'static str>,
    /// The most that is taken.
    pub most: usize,
}

impl Limit {
    const fn set_by(key: &'static str, most: usize) -> Self {
        Self { key: Some(key), most }
    }

    /// A bound that no setting changes, since what is stored relies on it.
    #[must_use]
    pub const fn fixed(most: usize) -> Self {
        Self { key: None, most }
    }

    /// The end of a sentence that says what is at most: `1048576 bytes (limits.body_bytes).`
    #[must_use]
    pub fn told(&self, unit: &str) -> String {
        match self.key {
            Some(key) => format!("{} {unit} ({key}).", self.most),
            None => format!("{} {unit}.", self.most),
        }
    }
}

/// The bounds of a request. Each is named in the error of a request that is over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest body of an ordinary call, in bytes.
    pub body_bytes: Limit,
    /// The longest body of a batch, in bytes.
    pub batch_bytes: Limit,
    /// The most items of a batch.
    pub batch_items: Limit,
    /// The longest path and query, in bytes.
    pub url_bytes: Limit,
    /// The most bytes that the names and values of all headers have.
    pub header_bytes: Limit,
    /// The most headers.
    pub headers: Limit,
    /// The most requests in work at once.
    pub requests: Limit,
    /// The most bytes that the bodies of requests and the large answers take together.
    pub held_bytes: Limit,
    /// How long a body may take to arrive.
    pub body_time: Duration,
}

impl Limits {
    /// The longest body of a call of somebody who is not known yet, in bytes: a sign-in, or the form that
    /// asks for a token. It is several times what either needs, and many of them take little memory.
    pub const OPEN_BYTES: Limit = Limit::fixed(4 << 10);

    /// What holds unless something else is set.
    pub const DEFAULT: Self = Self {
        body_bytes: Limit::set_by("limits.body_bytes", 1 << 20),
        batch_bytes: Limit::set_by("limits.batch_bytes", 32 << 20),
        batch_items: Limit::set_by("limits.batch_items", 1_000),
        url_bytes: Limit::set_by("limits.url_bytes", 8 << 10),
        header_bytes: Limit::set_by("limits.header_bytes", 32 << 10),
        headers: Limit::set_by("limits.headers", 64),
        requests: Limit::set_by("limits.requests", 1_024),
        held_bytes: Limit::set_by("limits.held_bytes", 128 << 20),
        body_time: Duration::from_secs(30),
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How many calls each client and each staff user may make, on each node.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimits {
    /// Whether calls are counted at all.
    pub enabled: bool,
    /// Calls a second, over time.
    pub requests_per_second: NonZeroU32,
    /// Calls at once, after a rest.
    pub burst: NonZeroU32,
}

impl RateLimits {
    /// What holds unless something else is set: more than an application's backend, which calls as
    /// one client for all its users, makes in its busiest seconds.
    pub const DEFAULT: Self =
        Self { enabled: true, requests_per_second: calls(2_000), burst: calls(4_000) };
}

impl Default for RateLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const fn calls(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

/// The state of the HTTP application, the same in every worker thread.
#[derive(Clone, Debug)]
pub struct Api {
    /// The service.
    pub oubli: Arc<Oubli>,
    /// The bounds of requests.
    pub limits: Limits,
    /// How many calls each caller has made lately.
    pub(crate) rates: Arc<Rates>,
    /// What this node does and holds now.
    pub(crate) load: Arc<Load>,
    /// The OpenAPI document as served.
    pub openapi: web::Bytes,
}

impl Api {
    /// The state over a service.
    #[must_use]
    pub fn new(oubli: Arc<Oubli>, limits: Limits, rates: RateLimits) -> Self {
        Self::with_ticks(oubli, limits, rates, Ticks::default())
    }

    /// The same, with a time of the caller's own for counting calls.
    #[must_use]
    pub fn with_ticks(oubli: Arc<Oubli>, limits: Limits, rates: RateLimits, ticks: Ticks) -> Self {
        let rates = Arc::new(Rates::new(rates, ticks));
        let openapi = web::Bytes::from(crate::openapi::document());
        Self { oubli, limits, rates, load: Arc::default(), openapi }
    }
}
