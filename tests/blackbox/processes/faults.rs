//! A process whose databases go away, that is asked for more than it can do, or that is told to stop
//! in the middle of its work.

mod nodes;
mod overload;
mod pool;
mod postgres;
mod rates;
mod shutdown;
mod wire;

use std::time::Duration;

use oubli_tests::Reply;

/// How often something is asked for that comes by itself. Machines may be slow: it is far more than
/// any needs.
const POLLS: u32 = 2_400;

/// Asks again until what is waited for is there.
pub(super) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..POLLS {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("what was waited for did not come");
}

/// Whether a call was refused for now, as it must be: never by an opaque 500.
#[track_caller]
fn is_refused(reply: &Reply) -> bool {
    if reply.status < 500 {
        return false;
    }
    reply.expect_problem(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    true
}
