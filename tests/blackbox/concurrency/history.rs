//! What was seen of one value that one caller writes and many read, and whether it could have been
//! seen if every call had taken effect at one moment between its beginning and its end
//! (linearisability: Herlihy and Wing, 1990).

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A call by the instants of its beginning and its end, and what it wrote or saw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    begun: usize,
    ended: usize,
    value: bool,
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

    /// Runs a write of a value. Writes follow each other.
    pub(crate) async fn write(&self, value: bool, call: impl Future<Output = ()>) {
        let begun = self.now();
        call.await;
        self.writes.lock().unwrap().push(Call { begun, ended: self.now(), value });
    }

    /// Runs a read.
    pub(crate) async fn read(&self, call: impl Future<Output = bool>) -> bool {
        let begun = self.now();
        let value = call.await;
        self.reads.lock().unwrap().push(Call { begun, ended: self.now(), value });
        value
    }

    /// The number of reads, when all that was seen could be; else a read that could not. Before the
    /// first write the value is false.
    pub(crate) fn judge(&self) -> Result<usize, Call> {
        judge(&self.writes.lock().unwrap(), &mut self.reads.lock().unwrap())
    }
}

/// Gives each read the first write that it can have seen: one that began before the read ended, that
/// no later write had replaced when the read began, and that is not older than what any read saw
/// that had ended by then. The first is the best, since it asks the least of later reads.
fn judge(writes: &[Call], reads: &mut [Call]) -> Result<usize, Call> {
    let nothing = Call { begun: 0, ended: 0, value: false };
    let writes: Vec<Call> = [&[nothing], writes].concat();
    reads.sort_by_key(|read| read.begun);
    let mut seen: Vec<(usize, usize)> = Vec::with_capacity(reads.len());
    for read in &*reads {
        let replaced = writes.iter().skip(1).filter(|write| write.ended < read.begun).count();
        let earlier = seen.iter().filter(|(ended, _)| *ended < read.begun);
        let least = earlier.map(|(_, write)| *write).max().unwrap_or(0).max(replaced);
        let fits = |n: &usize| writes[*n].value == read.value && writes[*n].begun <= read.ended;
        let found = (least..writes.len()).find(fits).ok_or(*read)?;
        seen.push((read.ended, found));
    }
    Ok(reads.len())
}

#[cfg(test)]
mod tests {
    use super::{Call, judge};

    const fn call(begun: usize, ended: usize, value: bool) -> Call {
        Call { begun, ended, value }
    }

    #[test]
    fn what_cannot_have_been_seen_is_found() {
        let writes = [call(10, 20, true), call(30, 40, false)];
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
}
