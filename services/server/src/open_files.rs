//! How many files this process may have open: each connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections: databases, logs, the journal, the executor's own.
const OTHERS: u64 = 256;

/// Asks the system for as many open files as so many connections need, and warns when it allows fewer:
/// connections beyond that wait until others close.
pub(crate) fn allow_for(connections: usize) {
    let needed = OTHERS + connections as u64;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= needed) {
        return;
    }
    let asked = maximum.map_or(needed, |most| most.min(needed));
    let allowed = setrlimit(Resource::Nofile, Rlimit { current: Some(asked), maximum });
    if asked < needed || allowed.is_err() {
        tracing::warn!(needed, asked, "fewer files may be open than limits.connections needs");
    }
}
