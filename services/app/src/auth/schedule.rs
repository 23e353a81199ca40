//! When a token-signing key is published, signs and goes. Knows times alone.
//!
//! Verifiers keep the published keys for [`PUBLISHED_SECONDS`], so a new key signs only after they
//! have all seen it; and the key before stays published until the last token it signed has expired.

use oubli_domain::Time;
use oubli_domain::clock::CLOCKS_SECONDS;

/// For how long the published keys may be kept by those who verify, in seconds.
pub const PUBLISHED_SECONDS: i64 = 300;
/// The oldest that a node's secrets are when it publishes or signs, in seconds.
pub(crate) const RELOAD_SECONDS: i64 = 30;
/// The longest that a token is valid, a client's or a session's, in seconds.
const TOKEN_SECONDS: i64 = 3_600;

/// When one key signs and goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Times {
    /// When it was made: it is published from then on.
    pub made_at: Time,
    /// From when on it signs.
    pub signs_from: Time,
    /// When it goes; none for the newest.
    pub gone_at: Option<Time>,
}

/// The times of keys that were made at these times, oldest first.
#[must_use]
pub fn times(made: &[Time]) -> Vec<Times> {
    let signs_from = |n: usize| match n {
        0 => made[0],
        n => made[n].plus_seconds(PUBLISHED_SECONDS + RELOAD_SECONDS + CLOCKS_SECONDS),
    };
    let gone_at = |n: usize| {
        (n + 1 < made.len()).then(|| {
            signs_from(n + 1).plus_seconds(TOKEN_SECONDS + RELOAD_SECONDS + CLOCKS_SECONDS)
        })
    };
    (0..made.len())
        .map(|n| Times { made_at: made[n], signs_from: signs_from(n), gone_at: gone_at(n) })
        .collect()
}

impl Times {
    /// Whether the key is published and its tokens are accepted.
    #[must_use]
    pub fn is_published(&self, now: Time) -> bool {
        self.gone_at.is_none_or(|gone| now < gone)
    }
}

/// Which of the keys signs now: the newest that may, or the oldest there is.
#[must_use]
pub fn signing(times: &[Times], now: Time) -> usize {
    times.iter().rposition(|key| key.signs_from <= now).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use oubli_domain::Time;

    use super::{signing, times};

    #[test]
    fn a_new_key_is_published_before_it_signs_and_the_old_one_outlives_its_tokens() {
        let made = [Time(0), Time(0).plus_seconds(10_000)];
        let keys = times(&made);
        let at = |seconds| Time(0).plus_seconds(seconds);
        let published =
            |seconds| keys.iter().map(|key| key.is_published(at(seconds))).collect::<Vec<_>>();
        assert_eq!((signing(&keys, at(10_000)), published(10_000)), (0, vec![true, true]));
        assert_eq!(signing(&keys, at(10_359)), 0);
        assert_eq!((signing(&keys, at(10_360)), published(10_360)), (1, vec![true, true]));
        // The last token of the old key may be an hour old, on a node that heard of it late.
        assert_eq!(published(14_019), [true, true]);
        assert_eq!(published(14_020), [false, true]);
    }

    #[test]
    fn the_first_key_signs_at_once_and_stays() {
        let keys = times(&[Time(5)]);
        assert_eq!(keys[0].signs_from, Time(5));
        assert_eq!((keys[0].gone_at, signing(&keys, Time(0))), (None, 0));
    }

    #[test]
    fn a_third_key_waits_for_its_own_time() {
        let keys = times(&[Time(0), Time(0).plus_seconds(1_000), Time(0).plus_seconds(1_010)]);
        assert_eq!(signing(&keys, Time(0).plus_seconds(1_365)), 1);
        assert_eq!(signing(&keys, Time(0).plus_seconds(1_370)), 2);
    }
}
