//! Time: instants in microseconds, civil days, and the injected [`Clock`].

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Refusal};

/// The first instant that callers may not name: 2100-01-01T00:00:00Z. Later dates are typing errors.
pub const END_OF_TIME: Time = Time(4_102_444_800_000_000);

/// What the clocks of two machines may differ by, in seconds. Machines that keep time by NTP differ by
/// milliseconds; a rule that compares a time that one node wrote with the clock of another allows for
/// this much, and takes what is further off for the trace of a clock that stepped.
pub const CLOCKS_SECONDS: i64 = 30;

/// An instant in microseconds since 1970-01-01T00:00:00Z. Text form: RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(pub i64);

impl Time {
    /// This instant plus `seconds`, which may be negative.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Whole seconds since 1970, rounded down, as JWTs want them (RFC 7519 `NumericDate`).
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The civil day of this instant in UTC.
    #[must_use]
    pub fn day_utc(self) -> Day {
        let days = self.0.div_euclid(86_400_000_000);
        Day(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// Reads RFC 3339 with an offset.
    ///
    /// # Errors
    /// `invalid-time` when the text is not such a time, or is not between 1970 and [`END_OF_TIME`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let at = text
            .parse::<Timestamp>()
            .map(|t| Self(t.as_microsecond()))
            .map_err(|_| Refusal::new(Code::InvalidTime))?;
        if at.0 < 0 || at >= END_OF_TIME {
            return Err(Refusal::new(Code::InvalidTime));
        }
        Ok(at)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.6}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl FromStr for Time {
    type Err = Refusal;
    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

impl Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text)
            .map_err(|_| serde::de::Error::custom("not an RFC 3339 time between 1970 and 2100"))
    }
}

/// A civil day, in days since 1970-01-01. Text form: `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Day(pub i32);

impl Day {
    /// The civil date of this day.
    ///
    /// # Errors
    /// `invalid-time` outside the years -9999 to 9999.
    pub fn date(self) -> Result<jiff::civil::Date, Refusal> {
        jiff::civil::date(1970, 1, 1)
            .checked_add(jiff::Span::new().days(self.0))
            .map_err(|_| Refusal::new(Code::InvalidTime))
    }

    /// The day of a civil date.
    #[must_use]
    pub fn from_date(date: jiff::civil::Date) -> Self {
        let epoch = jiff::civil::date(1970, 1, 1);
        // The span of two dates in days always fits: jiff dates cover 20,000 years.
        let days = date.duration_since(epoch).as_hours().div_euclid(24);
        Self(i32::try_from(days).unwrap_or(i32::MAX))
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// # Errors
    /// `invalid-time` when the text is no such date or is not between 1900 and 2100.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let date: jiff::civil::Date = text.parse().map_err(|_| Refusal::new(Code::InvalidTime))?;
        if !(1900..2100).contains(&date.year()) {
            return Err(Refusal::new(Code::InvalidTime));
        }
        Ok(Self::from_date(date))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Ok(date) => write!(f, "{date}"),
            Err(_) => write!(f, "{}d", self.0),
        }
    }
}

impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(|_| serde::de::Error::custom("not a day between 1900 and 2100"))
    }
}

/// Where the service learns the time. Injected everywhere, so that tests move time and never wait.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Now. May step back when the machine's clock does; rules that need order say so.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Time {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the machine's clock"
        )]
        Time(Timestamp::now().as_microsecond())
    }
}

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn at(at: Time) -> Self {
        Self(AtomicI64::new(at.0))
    }

    /// Moves the clock by `seconds`, back when negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Time {
        Time(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Clock, Day, END_OF_TIME, TestClock, Time};

    #[test]
    fn seconds_are_rounded_down_and_added() {
        assert_eq!(Time(1_999_999).seconds(), 1);
        assert_eq!(Time(-1).seconds(), -1);
        assert_eq!(Time(5).plus_seconds(-2), Time(-1_999_995));
        assert_eq!(Time(i64::MAX).plus_seconds(1), Time(i64::MAX));
    }

    #[test]
    fn a_test_clock_stands_still_until_it_is_moved() {
        let clock = TestClock::at(Time(7));
        assert_eq!((clock.now(), clock.now()), (Time(7), Time(7)));
        clock.advance(2);
        clock.advance(-1);
        assert_eq!(clock.now(), Time(1_000_007));
    }

    #[test]
    fn json_has_the_text_forms() {
        let both = (Time(1), Day(1));
        let json = serde_json::to_string(&both).unwrap();
        assert_eq!(json, r#"["1970-01-01T00:00:00.000001Z","1970-01-02"]"#);
        assert_eq!(serde_json::from_str::<(Time, Day)>(&json).unwrap(), both);
        assert!(serde_json::from_str::<Time>(r#""2100-01-01T00:00:00Z""#).is_err());
        assert!(serde_json::from_str::<Day>(r#""2100-01-01""#).is_err());
    }

    #[test]
    fn times_read_and_print_alike() {
        let at = Time::parse("2026-01-31T12:00:00+01:00").unwrap();
        assert_eq!(at.to_string(), "2026-01-31T11:00:00.000000Z");
        assert_eq!(Time::parse(&at.to_string()).unwrap(), at);
    }

    #[test]
    fn times_outside_1970_to_2100_are_refused() {
        for text in ["2100-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "soon", "", "2026-01-31"] {
            assert!(Time::parse(text).is_err(), "{text}");
        }
        assert_eq!(Time::parse("1970-01-01T00:00:00Z").unwrap(), Time(0));
        assert_eq!("2099-12-31T23:59:59.999999Z".parse::<Time>().unwrap().0, END_OF_TIME.0 - 1);
        assert_eq!(END_OF_TIME.to_string(), "2100-01-01T00:00:00.000000Z");
    }

    #[test]
    fn days_count_from_1970() {
        assert_eq!(Day::parse("1970-01-02").unwrap(), Day(1));
        assert_eq!(Day::parse("1969-12-31").unwrap(), Day(-1));
        assert_eq!(Day(20_000).to_string(), "2024-10-04");
        assert_eq!(Day::parse("2024-10-04").unwrap(), Day(20_000));
        assert!(Day::parse("2100-01-01").is_err());
        assert_eq!(Time::parse("2024-10-04T23:59:59Z").unwrap().day_utc(), Day(20_000));
    }
}
