//! What every handler is handed.

use std::sync::Arc;

use oubli_app::Oubli;

/// The bounds of a request. Each is named in the error of a request that is over it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest body of an ordinary call, in bytes.
    pub body_bytes: usize,
    /// The longest body of a batch, in bytes.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_bytes: 1 << 20, batch_bytes: 32 << 20 }
    }
}

/// The state of the HTTP application, the same in every worker thread.
#[derive(Clone, Debug)]
pub struct Api {
    /// The service.
    pub oubli: Arc<Oubli>,
    /// The bounds of requests.
    pub limits: Limits,
    /// The OpenAPI document as served.
    pub openapi: Arc<str>,
}

impl Api {
    /// The state over a service.
    #[must_use]
    pub fn new(oubli: Arc<Oubli>, limits: Limits) -> Self {
        Self { oubli, limits, openapi: crate::openapi::document().into() }
    }
}
