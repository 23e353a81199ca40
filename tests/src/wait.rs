//! Waiting for what comes by itself and is only seen by asking.

use std::time::Duration;

/// How often is asked. Machines may be slow: it is far more than any needs.
const ASKED: u32 = 2_400;

/// Asks again, 50 ms apart, until what is waited for is there.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..ASKED {
        if let Some(found) = ask().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("what was waited for did not come");
}
