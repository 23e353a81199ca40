//! How the service answers HTTP: its address, and the bounds of what it takes.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use clap::Args;

use super::{Listen, within};

const MIB: u64 = 1 << 20;
const DEFAULT: oubli_api::Limits = oubli_api::Limits::DEFAULT;
const RATES: oubli_api::RateLimits = oubli_api::RateLimits::DEFAULT;
const HEAD_SECONDS: u64 = 10;
const KEEP_ALIVE_SECONDS: u64 = 5;
const CONNECTIONS: usize = 10_000;
const STALLED_SECONDS: u64 = 30;
const DRAIN_SECONDS: u64 = 30;

/// Everything that answering HTTP needs.
#[derive(Args, Clone, Debug)]
pub struct Http {
    /// Address.
    #[command(flatten)]
    pub listen: Listen,
    /// Bounds.
    #[command(flatten)]
    pub limits: Limits,
    /// Rates.
    #[command(flatten)]
    pub rate_limit: RateLimit,
}

/// The bounds of what is taken from a caller. The error of a request that is over one names it. What
/// never becomes a request is answered without a problem document, and its connection is closed: 408
/// when its head does not arrive in time, 400 when it cannot be parsed, 431 when its head has more
/// than 96 headers or 128 KiB.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "limits")]
pub struct Limits {
    /// The longest body of an ordinary call, in bytes.
    #[arg(
        id = "limits_body_bytes",
        long = "limits-body-bytes",
        env = "OUBLI_LIMITS_BODY_BYTES",
        default_value_t = DEFAULT.body_bytes.most,
        value_parser = within::<usize>(16 * 1024, 64 * MIB),
        value_name = "BYTES"
    )]
    pub body_bytes: usize,
    /// The longest body of a batch, in bytes.
    #[arg(
        id = "limits_batch_bytes",
        long = "limits-batch-bytes",
        env = "OUBLI_LIMITS_BATCH_BYTES",
        default_value_t = DEFAULT.batch_bytes.most,
        value_parser = within::<usize>(16 * 1024, 256 * MIB),
        value_name = "BYTES"
    )]
    pub batch_bytes: usize,
    /// The most items of a batch: one transaction writes them all.
    #[arg(
        id = "limits_batch_items",
        long = "limits-batch-items",
        env = "OUBLI_LIMITS_BATCH_ITEMS",
        default_value_t = DEFAULT.batch_items.most,
        value_parser = within::<usize>(1, 1_000),
        value_name = "N"
    )]
    pub batch_items: usize,
    /// The longest URL of a request, path and query, in bytes.
    #[arg(
        id = "limits_url_bytes",
        long = "limits-url-bytes",
        env = "OUBLI_LIMITS_URL_BYTES",
        default_value_t = DEFAULT.url_bytes.most,
        value_parser = within::<usize>(512, 32 * 1024),
        value_name = "BYTES"
    )]
    pub url_bytes: usize,
    /// The most that the names and values of a request's headers have together, in bytes.
    #[arg(
        id = "limits_header_bytes",
        long = "limits-header-bytes",
        env = "OUBLI_LIMITS_HEADER_BYTES",
        default_value_t = DEFAULT.header_bytes.most,
        value_parser = within::<usize>(8 * 1024, 64 * 1024),
        value_name = "BYTES"
    )]
    pub header_bytes: usize,
    /// The most headers of a request.
    #[arg(
        id = "limits_headers",
        long = "limits-headers",
        env = "OUBLI_LIMITS_HEADERS",
        default_value_t = DEFAULT.headers.most,
        value_parser = within::<usize>(16, 90),
        value_name = "N"
    )]
    pub headers: usize,
    /// Seconds that the head of a request may take to arrive.
    #[arg(
        id = "limits_head_seconds",
        long = "limits-head-seconds",
        env = "OUBLI_LIMITS_HEAD_SECONDS",
        default_value_t = HEAD_SECONDS,
        value_parser = within::<u64>(1, 300),
        value_name = "SECONDS"
    )]
    pub head_seconds: u64,
    /// Seconds that the body of a request may take to arrive, so that nobody holds a connection by
    /// sending slowly.
    #[arg(
        id = "limits_body_seconds",
        long = "limits-body-seconds",
        env = "OUBLI_LIMITS_BODY_SECONDS",
        default_value_t = DEFAULT.body_time.as_secs(),
        value_parser = within::<u64>(1, 3_600),
        value_name = "SECONDS"
    )]
    pub body_seconds: u64,
    /// Seconds that a connection is kept open for the next request.
    #[arg(
        id = "limits_keep_alive_seconds",
        long = "limits-keep-alive-seconds",
        env = "OUBLI_LIMITS_KEEP_ALIVE_SECONDS",
        default_value_t = KEEP_ALIVE_SECONDS,
        value_parser = within::<u64>(1, 3_600),
        value_name = "SECONDS"
    )]
    pub keep_alive_seconds: u64,
    /// The most open connections; more wait until one closes. They are shared out evenly among the
    /// threads that serve, so that a few less may be open before one waits.
    #[arg(
        id = "limits_connections",
        long = "limits-connections",
        env = "OUBLI_LIMITS_CONNECTIONS",
        default_value_t = CONNECTIONS,
        value_parser = within::<usize>(16, 1_000_000),
        value_name = "N"
    )]
    pub connections: usize,
    /// The most requests in work at once. More are answered 503 with Retry-After before their body is
    /// read. A request whose body is on the way, or whose answer is, is not in work.
    #[arg(
        id = "limits_requests",
        long = "limits-requests",
        env = "OUBLI_LIMITS_REQUESTS",
        default_value_t = DEFAULT.requests.most,
        value_parser = within::<usize>(1, 1_000_000),
        value_name = "N"
    )]
    pub requests: usize,
    /// The most memory that the bodies of requests and the large answers that are on the way take
    /// together, in bytes. What would take more is answered 503 with Retry-After: a body that grows,
    /// and every request while answers alone take as much. The process as a whole needs three times
    /// this and 256 MiB more, with every connection in use.
    #[arg(
        id = "limits_held_bytes",
        long = "limits-held-bytes",
        env = "OUBLI_LIMITS_HELD_BYTES",
        default_value_t = DEFAULT.held_bytes.most,
        value_parser = within::<usize>(MIB, 1024 * 1024 * MIB),
        value_name = "BYTES"
    )]
    pub held_bytes: usize,
    /// Seconds that a caller may leave an answer unread before its connection is closed.
    #[arg(
        id = "limits_stalled_seconds",
        long = "limits-stalled-seconds",
        env = "OUBLI_LIMITS_STALLED_SECONDS",
        default_value_t = STALLED_SECONDS,
        value_parser = within::<u64>(1, 3_600),
        value_name = "SECONDS"
    )]
    pub stalled_seconds: u64,
    /// Seconds that open requests may take to end once the service is told to stop. Meanwhile the
    /// steps of jobs in hand end too, for which they have 20 seconds whatever this is: so the service
    /// takes up to this or 20 seconds to end, whichever is more, and a moment to close its databases.
    #[arg(
        id = "limits_drain_seconds",
        long = "limits-drain-seconds",
        env = "OUBLI_LIMITS_DRAIN_SECONDS",
        default_value_t = DRAIN_SECONDS,
        value_parser = within::<u64>(1, 3_600),
        value_name = "SECONDS"
    )]
    pub drain_seconds: u64,
}

/// How often one caller may call: a client, or a staff user. Each node counts by itself. A call that
/// is over it is answered 429 with Retry-After, and answers tell what is left.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "rate_limit")]
pub struct RateLimit {
    /// Whether there is a bound.
    #[arg(
        id = "rate_limit_enabled",
        long = "rate-limit-enabled",
        env = "OUBLI_RATE_LIMIT_ENABLED",
        default_value_t = RATES.enabled,
        default_missing_value = "true",
        num_args = 0..=1,
        require_equals = true,
        action = clap::ArgAction::Set,
        value_parser = clap::builder::BoolishValueParser::new(),
        value_name = "BOOL"
    )]
    pub enabled: bool,
    /// Requests of one caller in a second, in the long run.
    #[arg(
        id = "rate_limit_requests_per_second",
        long = "rate-limit-requests-per-second",
        env = "OUBLI_RATE_LIMIT_REQUESTS_PER_SECOND",
        default_value_t = RATES.requests_per_second,
        value_parser = within::<NonZeroU32>(1, 1_000_000),
        value_name = "N"
    )]
    pub requests_per_second: NonZeroU32,
    /// Requests that one caller may make at once before the rate holds.
    #[arg(
        id = "rate_limit_burst",
        long = "rate-limit-burst",
        env = "OUBLI_RATE_LIMIT_BURST",
        default_value_t = RATES.burst,
        value_parser = within::<NonZeroU32>(1, 1_000_000),
        value_name = "N"
    )]
    pub burst: NonZeroU32,
}

impl Http {
    /// On this address, on this machine, with default bounds. `url` is the service's own URL.
    #[must_use]
    pub fn on(bind: SocketAddr, url: Option<String>) -> Self {
        Self {
            listen: Listen { bind, behind_proxy: false, url },
            limits: Limits::default(),
            rate_limit: RateLimit::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: DEFAULT.body_bytes.most,
            batch_bytes: DEFAULT.batch_bytes.most,
            batch_items: DEFAULT.batch_items.most,
            url_bytes: DEFAULT.url_bytes.most,
            header_bytes: DEFAULT.header_bytes.most,
            headers: DEFAULT.headers.most,
            head_seconds: HEAD_SECONDS,
            body_seconds: DEFAULT.body_time.as_secs(),
            keep_alive_seconds: KEEP_ALIVE_SECONDS,
            connections: CONNECTIONS,
            requests: DEFAULT.requests.most,
            held_bytes: DEFAULT.held_bytes.most,
            stalled_seconds: STALLED_SECONDS,
            drain_seconds: DRAIN_SECONDS,
        }
    }
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            enabled: RATES.enabled,
            requests_per_second: RATES.requests_per_second,
            burst: RATES.burst,
        }
    }
}

impl Limits {
    /// As the API takes them.
    #[must_use]
    pub fn of_api(&self) -> oubli_api::Limits {
        let mut limits = DEFAULT;
        limits.body_bytes.most = self.body_bytes;
        limits.batch_bytes.most = self.batch_bytes;
        limits.batch_items.most = self.batch_items;
        limits.url_bytes.most = self.url_bytes;
        limits.header_bytes.most = self.header_bytes;
        limits.headers.most = self.headers;
        limits.requests.most = self.requests;
        limits.held_bytes.most = self.held_bytes;
        limits.body_time = Duration::from_secs(self.body_seconds);
        limits
    }
}

impl RateLimit {
    /// As the API takes it.
    #[must_use]
    pub fn of_api(&self) -> oubli_api::RateLimits {
        oubli_api::RateLimits {
            enabled: self.enabled,
            requests_per_second: self.requests_per_second,
            burst: self.burst,
        }
    }
}
