//! A process whose databases go away, that is asked for more than it can do, or that is told to stop
//! in the middle of its work.

mod downloads;
mod nodes;
mod overload;
mod pool;
mod postgres;
mod rates;
mod shutdown;
mod wire;

use oubli_tests::Reply;

/// Whether a call was refused for now, as it must be: never by an opaque 500.
#[track_caller]
pub(super) fn is_refused(reply: &Reply) -> bool {
    if reply.status < 500 {
        return false;
    }
    reply.expect_problem(503, "unavailable");
    assert!(reply.header("retry-after").is_some());
    true
}
