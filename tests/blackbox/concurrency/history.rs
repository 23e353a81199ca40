//! What was seen of one value that one caller writes and many read, and whether it could have been
//! seen if every call had taken effect at one moment between its beginning and its end
//! (linearisability: Herlihy and Wing, 1990).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

/// What a call wrote or saw.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    permitted: bool,
    /// Since when, which no two writes share; empty before the first. None where a read is not told.
    since: Option<String>,
}

impl Seen {
    /// What a write of this value is known by.
    pub(crate) fn written(permitted: bool, since: String) -> Self {
        Self { permitted, since: Some(since) }
    }

    /// The answer to a check.
    pub(crate) fn checked(answer: &Value) -> Self {
        let since = answer["since"].as_str().unwrap_or_default();
        Self::written(answer["permitted"] == true, since.to_owned())
    }

    /// A read of which only whether it was permitted is known.
    pub(crate) fn only(permitted: bool) -> Self {
        Self { permitted, since: None }
    }

    fn can_be(&self, written: &Self) -> bool {
        self.permitted == written.permitted && (self.since.is_none() || self.since == written.since)
    }
}

/// A call by the instants of its beginning and its end.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    begun: usize,
    ended: usize,
    seen: Seen,
}

/// The calls of a test. Instants are counted: none is taken twice.
#[derive(Default)]
pub(crate) struct History {
    instant: AtomicUsize,
    writes: Mutex<Vec<Call>>,
    reads: Mutex<Vec<Call>>,
}

impl History {
    fn now(&self) -> usize {
        self.instant.fetch_add(1, Ordering::SeqCst)
    }

    /// Runs a write, which gives what it wrote. Writes follow each other.
    pub(crate) async fn write(&self, call: impl Future<Output = Seen>) {
        let call = self.call(call).await;
        self.writes.lock().unwrap().push(call);
    }

    /// Runs a read.
    pub(crate) async fn read(&self, call: impl Future<Output = Seen>) {
        let call = self.call(call).await;
        self.reads.lock().unwrap().push(call);
    }

    async fn call(&self, call: impl Future<Output = Seen>) -> Call {
        let begun = self.now();
        let seen = call.await;
        Call { begun, ended: self.now(), seen }
    }

    /// The number of reads, when all that was seen could be; else a read that could not. Before the
    /// first write nothing is permitted.
    pub(crate) fn judge(&self) -> Result<usize, Call> {
        judge(&self.writes.lock().unwrap(), &mut self.reads.lock().unwrap())
    }
}

/// Gives each read the first write that it can have seen: one that began before the read ended, that
/// no later write had replaced when the read began, and that is not older than what any read saw
/// that had ended by then. The first is the best, since it asks the least of later reads.
fn judge(writes: &[Call], reads: &mut [Call]) -> Result<usize, Call> {
    let nothing = Call { begun: 0, ended: 0, seen: Seen::written(false, String::new()) };
    let writes: Vec<Call> = [&[nothing], writes].concat();
    reads.sort_by_key(|read| read.begun);
    let mut seen: Vec<(usize, usize)> = Vec::with_capacity(reads.len());
    for read in &*reads {
        let replaced = writes.iter().skip(1).filter(|write| write.ended < read.begun).count();
        let earlier = seen.iter().filter(|(ended, _)| *ended < read.begun);
        let least = earlier.map(|(_, write)| *write).max().unwrap_or(0).max(replaced);
        let fits = |n: &usize| read.seen.can_be(&writes[*n].seen) && writes[*n].begun <= read.ended;
        let found = (least..writes.len()).find(fits).ok_or_else(|| read.clone())?;
        seen.push((read.ended, found));
    }
    Ok(reads.len())
}

#[cfg(test)]
mod tests {
    use super::{Call, Seen, judge};

    fn call(begun: usize, ended: usize, permitted: bool) -> Call {
        Call { begun, ended, seen: Seen::only(permitted) }
    }

    fn dated(begun: usize, ended: usize, permitted: bool, since: &str) -> Call {
        Call { begun, ended, seen: Seen::written(permitted, since.to_owned()) }
    }

    #[test]
    fn what_cannot_have_been_seen_is_found() {
        let writes = [dated(10, 20, true, "a"), dated(30, 40, false, "b")];
        let fits = |reads: &[Call]| judge(&writes, &mut reads.to_vec()).is_ok();
        assert!(fits(&[call(1, 2, false), call(21, 22, true), call(41, 42, false)]));
        assert!(!fits(&[call(1, 2, true)]), "before it was written");
        assert!(!fits(&[call(21, 22, false)]), "after a grant was acknowledged");
        assert!(!fits(&[call(41, 42, true)]), "after a withdrawal was acknowledged");
        // While it is written, either; but nobody sees the old value after somebody saw the new one.
        assert!(fits(&[call(31, 32, true), call(33, 34, false)]));
        assert!(!fits(&[call(31, 32, false), call(33, 34, true)]));
        assert!(fits(&[call(31, 34, false), call(32, 33, true)]));
    }

    #[test]
    fn a_value_that_was_written_again_is_another() {
        let writes = [dated(1, 2, true, "a"), dated(3, 4, false, "b"), dated(5, 6, true, "c")];
        let fits = |read: Call| judge(&writes, &mut [read]).is_ok();
        assert!(fits(dated(7, 8, true, "c")) && fits(call(7, 8, true)));
        assert!(!fits(dated(7, 8, true, "a")), "two writes ago");
        assert!(!fits(dated(7, 8, false, "")), "never written");
    }
}
