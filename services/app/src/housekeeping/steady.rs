//! Whether the machine's clock goes steadily.

use std::time::{Duration, Instant};

use oubli_domain::Time;
use oubli_domain::clock::CLOCKS_SECONDS;

/// How long a clock that stepped must go steadily before it is believed. Who set it wrong has as long
/// to see it and set it right; what has expired stays for as long, and can no longer be used.
pub(super) const DOUBTED: Duration = Duration::from_hours(1);

/// What the clock said last, and since when it is doubted. A machine that slept looks like one whose
/// clock stepped: what has expired meanwhile is deleted an hour later.
#[derive(Debug, Default)]
pub(super) struct Steadiness {
    seen: Option<(Instant, Time)>,
    stepped: Option<Instant>,
}

impl Steadiness {
    /// Takes note of what the clock says at a moment of one that never steps, and says whether it is
    /// to be believed: it has not stepped by more than two clocks may differ, or long ago.
    pub(super) fn is_steady(&mut self, at: Instant, now: Time) -> bool {
        let stepped = self.seen.is_some_and(|(then, said)| {
            let passed = i64::try_from(at.duration_since(then).as_secs()).unwrap_or(i64::MAX);
            let off = now.seconds().saturating_sub(said.plus_seconds(passed).seconds());
            off.abs() > CLOCKS_SECONDS
        });
        if stepped {
            tracing::warn!("the clock stepped: nothing that has expired is deleted for an hour");
            self.stepped = Some(at);
        }
        self.seen = Some((at, now));
        self.stepped.is_none_or(|since| at.duration_since(since) >= DOUBTED)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use oubli_domain::Time;
    use oubli_domain::clock::CLOCKS_SECONDS;

    use super::Steadiness;

    const TURN: Duration = Duration::from_secs(30);

    /// What is said of a clock that steps by so many seconds between two turns.
    fn after(step: i64) -> (Steadiness, Instant, Time, bool) {
        let (mut clock, at, now) = (Steadiness::default(), Instant::now(), Time(0));
        assert!(clock.is_steady(at, now), "there is nothing to compare it with");
        let (at, now) = (at + TURN, now.plus_seconds(30 + step));
        let steady = clock.is_steady(at, now);
        (clock, at, now, steady)
    }

    #[test]
    fn a_clock_may_be_set_by_what_clocks_differ() {
        for step in [0, CLOCKS_SECONDS, -CLOCKS_SECONDS] {
            assert!(after(step).3, "{step}");
        }
        for step in [CLOCKS_SECONDS + 1, -CLOCKS_SECONDS - 1, 31_536_000, -31_536_000] {
            assert!(!after(step).3, "{step}");
        }
    }

    #[test]
    fn one_that_stepped_is_believed_after_an_hour_without_a_step() {
        let (mut clock, mut at, mut now, _) = after(3_600);
        let mut pass = |clock: &mut Steadiness, step: i64, time: Duration| {
            at += time;
            now = now.plus_seconds(step + i64::try_from(time.as_secs()).unwrap_or(0));
            clock.is_steady(at, now)
        };
        assert!(!pass(&mut clock, 0, Duration::from_mins(59)));
        // Back again: that, too, is a step.
        assert!(!pass(&mut clock, -3_600, TURN));
        assert!(!pass(&mut clock, 0, Duration::from_mins(59)));
        assert!(pass(&mut clock, 0, Duration::from_mins(1)));
        assert!(pass(&mut clock, 0, TURN));
    }
}
