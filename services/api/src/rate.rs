//! How many calls each caller may make: a token bucket for each client and staff user, by GCRA, on
//! each node by itself.
//!
//! Answers to callers who are known carry `RateLimit-Policy` and `RateLimit` as structured fields
//! (draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4); a refusal carries `Retry-After`
//! (RFC 9110, section 10.2.3) too. Nothing is kept of who calls without a token: whoever is claimed
//! falls, by a keyed hash, into one of a fixed number of buckets.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use governor::clock::Clock;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use oubli_app::Actor;
use oubli_domain::Code;

use crate::problem::Problem;
use crate::state::RateLimits;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many buckets those share who are not known yet.
const CLAIMED: u64 = 4_096;
/// After how many calls the callers are dropped whose bucket is full again.
const SWEEP: u32 = 4_096;

/// Whose bucket a call is taken from.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Key {
    /// A caller whose token was found good.
    Known(String),
    /// Whoever a caller without a token claims to be, as the number of a shared bucket.
    Claimed(u64),
}

/// Time that never steps back, from any beginning.
#[derive(Clone)]
pub struct Ticks(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Ticks {
    /// A time of the caller's own, which tests move.
    pub fn from_fn(now: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }
}

impl Default for Ticks {
    fn default() -> Self {
        let start = Instant::now();
        Self::from_fn(move || start.elapsed())
    }
}

impl fmt::Debug for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticks")
    }
}

impl Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}

type Buckets = RateLimiter<Key, DashMapStateStore<Key>, Ticks, StateInformationMiddleware>;

/// The buckets of this node.
#[derive(Debug)]
pub(crate) struct Rates {
    limits: RateLimits,
    buckets: Buckets,
    ticks: Ticks,
    hasher: RandomState,
    calls: AtomicU32,
}

/// What a caller has left after a call, for the headers of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Standing {
    limits: RateLimits,
    remaining: u32,
    /// How long a refused caller has to wait.
    wait: Option<Duration>,
}

impl Rates {
    pub(crate) fn new(limits: RateLimits, ticks: Ticks) -> Self {
        let quota = Quota::per_second(limits.requests_per_second).allow_burst(limits.burst);
        Self {
            limits,
            buckets: Buckets::new(quota, DashMapStateStore::default(), ticks.clone()),
            ticks,
            hasher: RandomState::new(),
            calls: AtomicU32::new(0),
        }
    }

    /// Counts a call of a caller whose token was found good.
    ///
    /// # Errors
    /// `rate-limited`.
    pub(crate) fn count(&self, request: &HttpRequest, actor: &Actor) -> Result<(), Problem> {
        self.take(request, &Key::Known(actor.to_string()))
    }

    /// Counts a call without a token of one who claims to be `name`, known or not. Names that share
    /// a bucket share its limit.
    ///
    /// # Errors
    /// `rate-limited`.
    pub(crate) fn count_claimed(&self, request: &HttpRequest, name: &str) -> Result<(), Problem> {
        self.take(request, &Key::Claimed(self.hasher.hash_one(name) % CLAIMED))
    }

    fn take(&self, request: &HttpRequest, key: &Key) -> Result<(), Problem> {
        if !self.limits.enabled {
            return Ok(());
        }
        self.sweep();
        let standing = match self.buckets.check_key(key) {
            Ok(left) => self.standing(left.remaining_burst_capacity(), None),
            Err(until) => self.standing(0, Some(until.wait_time_from(self.ticks.now()))),
        };
        request.extensions_mut().insert(standing);
        if standing.wait.is_some() { Err(Code::RateLimited.into()) } else { Ok(()) }
    }

    fn standing(&self, remaining: u32, wait: Option<Duration>) -> Standing {
        Standing { limits: self.limits, remaining, wait }
    }

    /// Forgets, every so often, the callers whose bucket is full: that is as if they never called.
    fn sweep(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.buckets.retain_recent();
            self.buckets.shrink_to_fit();
        }
    }
}

impl Standing {
    fn write(self, headers: &mut HeaderMap) {
        let burst = self.limits.burst.get();
        let (window, full) = (self.seconds_for(burst), self.seconds_for(burst - self.remaining));
        let mut put = |name: HeaderName, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        };
        put(RATE_LIMIT_POLICY, format!(r#""caller";q={burst};w={window}"#));
        put(RATE_LIMIT, format!(r#""caller";r={};t={full}"#, self.remaining));
        if let Some(wait) = self.wait {
            put(RETRY_AFTER, (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).to_string());
        }
    }

    /// In how many seconds, rounded up, so many calls are given.
    fn seconds_for(self, calls: u32) -> u32 {
        calls.div_ceil(self.limits.requests_per_second.get())
    }
}

/// Says in the headers of an answer what its caller has left. Wrap the application in it.
///
/// # Errors
/// What the service inside answers.
pub async fn tell_rate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let mut answer = next.call(request).await?;
    let standing = answer.request().extensions().get::<Standing>().copied();
    if let Some(standing) = standing {
        standing.write(answer.headers_mut());
    }
    Ok(answer)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::num::NonZeroU32;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use actix_web::test::TestRequest;

    use super::{CLAIMED, Rates, SWEEP, Ticks};
    use crate::state::RateLimits;

    fn rates(burst: u32) -> (Rates, Arc<AtomicU64>) {
        let seconds = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&seconds);
        let limits = RateLimits {
            requests_per_second: NonZeroU32::MIN,
            burst: NonZeroU32::new(burst).unwrap(),
            ..RateLimits::default()
        };
        let ticks = Ticks::from_fn(move || Duration::from_secs(read.load(Ordering::Relaxed)));
        (Rates::new(limits, ticks), seconds)
    }

    #[test]
    fn callers_whose_bucket_is_full_again_are_forgotten() {
        let (rates, seconds) = rates(3);
        let request = TestRequest::default().to_http_request();
        for n in 0..SWEEP - 1 {
            rates.take(&request, &super::Key::Known(n.to_string())).unwrap();
        }
        assert_eq!(rates.buckets.len(), SWEEP as usize - 1);
        seconds.store(10, Ordering::Relaxed);
        rates.take(&request, &super::Key::Known("last".to_owned())).unwrap();
        assert_eq!(rates.buckets.len(), 1);
    }

    #[test]
    fn names_that_are_claimed_share_a_fixed_number_of_buckets() {
        let (rates, _) = rates(1_000);
        let request = TestRequest::default().to_http_request();
        for n in 0..CLAIMED * 4 {
            rates.count_claimed(&request, &n.to_string()).unwrap();
        }
        assert!(rates.buckets.len() <= usize::try_from(CLAIMED).unwrap());
    }

    #[test]
    fn nobody_is_counted_when_it_is_off() {
        let (mut rates, _) = rates(1);
        rates.limits.enabled = false;
        let request = TestRequest::default().to_http_request();
        for _ in 0..3 {
            rates.count_claimed(&request, "shop.1").unwrap();
        }
        assert!(rates.buckets.is_empty());
    }
}
