//! Turns: the order among writes of one process that met each other about one subject. It owns nothing
//! but the waiting; that such writes do not undo each other is the store's work.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::iter::repeat_with;
use std::time::Duration;

use oubli_domain::{AppId, Code, SubjectId};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::error::Result;

/// How many places there are to wait at. Subjects of one place wait for each other, which is rare while
/// there are more places than writes that meet at once, a batch about 1,000 subjects included.
const PLACES: usize = 4_096;

/// Who writes next about which subject.
#[derive(Debug)]
pub(crate) struct Turns {
    places: Vec<Mutex<()>>,
    /// Says which place a subject of an app has: by chance, so that no app can choose subjects that
    /// stand where another's do.
    hasher: RandomState,
    /// The longest that anybody waits.
    wait: Duration,
}

impl Turns {
    pub(crate) fn new(wait: Duration) -> Self {
        let places = repeat_with(Mutex::default).take(PLACES).collect();
        Self { places, hasher: RandomState::new(), wait }
    }

    /// The turn of a write about a subject that met another one. Writers of this process then come
    /// one after the other, and none is put off by those who come after it. Whoever waits here must
    /// hold no connection.
    ///
    /// # Errors
    /// `unavailable` when it does not come in time.
    pub(crate) async fn turn(&self, app: &AppId, subject: SubjectId) -> Result<MutexGuard<'_, ()>> {
        self.in_time(self.places[self.place(app, subject)].lock()).await
    }

    /// [`Turns::turn`], where somebody else has it: whoever comes new does not overtake those who wait.
    ///
    /// # Errors
    /// As there.
    pub(crate) async fn turn_if_taken(
        &self,
        app: &AppId,
        subject: SubjectId,
    ) -> Result<Option<MutexGuard<'_, ()>>> {
        match self.places[self.place(app, subject)].try_lock() {
            Ok(_) => Ok(None),
            Err(_) => self.turn(app, subject).await.map(Some),
        }
    }

    /// [`Turns::turn`] for a write about many subjects. All take turns in one order, so that no two
    /// wait for each other.
    ///
    /// # Errors
    /// `unavailable` when they have not all come in time; none is kept then.
    pub(crate) async fn turns(
        &self,
        app: &AppId,
        subjects: impl Iterator<Item = SubjectId>,
    ) -> Result<Vec<MutexGuard<'_, ()>>> {
        let places: BTreeSet<usize> = subjects.map(|subject| self.place(app, subject)).collect();
        let all = async {
            let mut turns = Vec::with_capacity(places.len());
            for place in places {
                turns.push(self.places[place].lock().await);
            }
            turns
        };
        self.in_time(all).await
    }

    fn place(&self, app: &AppId, subject: SubjectId) -> usize {
        let hash = self.hasher.hash_one((app, subject)) % PLACES as u64;
        usize::try_from(hash).unwrap_or(0)
    }

    async fn in_time<T>(&self, turn: impl Future<Output = T>) -> Result<T> {
        timeout(self.wait, turn).await.map_err(|_| Code::Unavailable.into())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::time::Duration;

    use oubli_domain::{AppId, Code, SubjectId, Time};

    use super::Turns;
    use crate::testing::refused;

    fn person() -> SubjectId {
        SubjectId::fresh(Time(0))
    }

    #[tokio::test]
    async fn whoever_waits_too_long_is_told_so() {
        let (turns, shop) = (Turns::new(Duration::ZERO), AppId::new("shop").unwrap());
        let (ada, bob) = (person(), person());
        let both = || [ada, bob].into_iter();
        assert!(turns.turn_if_taken(&shop, ada).await.unwrap().is_none());
        let turn = turns.turn(&shop, ada).await.unwrap();
        assert_eq!(refused(turns.turn(&shop, ada).await), Code::Unavailable);
        assert_eq!(refused(turns.turn_if_taken(&shop, ada).await), Code::Unavailable);
        assert_eq!(refused(turns.turns(&shop, both()).await), Code::Unavailable);
        drop(turn);
        // What was waited for in vain is free.
        drop(turns.turns(&shop, both()).await.unwrap());
        assert!(turns.turn_if_taken(&shop, bob).await.unwrap().is_none());
    }

    #[test]
    fn where_a_subject_waits_depends_on_its_app() {
        let turns = Turns::new(Duration::ZERO);
        let (shop, bank) = (AppId::new("shop").unwrap(), AppId::new("bank").unwrap());
        let people: Vec<SubjectId> = (0..100).map(|_| person()).collect();
        let alike = people.iter().filter(|p| turns.place(&shop, **p) == turns.place(&bank, **p));
        assert!(alike.count() < 10);
    }
}
