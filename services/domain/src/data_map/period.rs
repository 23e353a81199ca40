//! Periods of the calendar: `P10Y`, `P18M`, `P30D`.

use std::fmt;
use std::str::FromStr;

use jiff::{Span, Timestamp, tz};
use serde::{Deserialize, Serialize};

use crate::clock::{Day, END_OF_TIME, Time};
use crate::problem::{Code, Refusal};

/// The longest period: a hundred years of each unit's own length.
const MAX: [u32; 4] = [100, 1_200, 5_300, 36_600];

/// A period of whole years, months, weeks and days, at least a day, each at most about a hundred
/// years. Text form: ISO 8601, such as `P1Y6M`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    years: u32,
    months: u32,
    weeks: u32,
    days: u32,
}

impl Period {
    /// A period of this many months.
    #[must_use]
    pub fn months(months: u32) -> Self {
        Self { years: 0, months, weeks: 0, days: 0 }
    }

    /// The day that lies this period after `day`. Years and months keep the day of the month or
    /// take the last: 29 February and `P10Y` give 28 February.
    #[must_use]
    pub fn after_day(self, day: Day) -> Day {
        let end = day.date().ok().and_then(|date| date.checked_add(self.span()).ok());
        end.map_or(Day(i32::MAX), Day::from_date)
    }

    /// The instant that lies this period after `at`, by the calendar of UTC; at most the end of
    /// time that callers may name.
    #[must_use]
    pub fn after(self, at: Time) -> Time {
        Timestamp::from_microsecond(at.0)
            .and_then(|at| at.to_zoned(tz::TimeZone::UTC).checked_add(self.span()))
            .map_or(END_OF_TIME, |end| Time(end.timestamp().as_microsecond()))
    }

    /// The instant that lies this period before `at`, by the calendar of UTC; at least the start of
    /// 1970.
    #[must_use]
    pub fn before(self, at: Time) -> Time {
        Timestamp::from_microsecond(at.0)
            .and_then(|at| at.to_zoned(tz::TimeZone::UTC).checked_sub(self.span()))
            .map_or(Time(0), |start| Time(start.timestamp().as_microsecond().max(0)))
    }

    /// Its years, months, weeks and days.
    pub(super) fn parts(self) -> [u32; 4] {
        [self.years, self.months, self.weeks, self.days]
    }

    /// Whether both always lead to the same day: a year is twelve months, and a week seven days.
    pub(super) fn is_same(self, other: Self) -> bool {
        let plain = |p: Self| (p.years * 12 + p.months, p.weeks * 7 + p.days);
        plain(self) == plain(other)
    }

    fn span(self) -> Span {
        // The bounds of `MAX` lie far within those of a span.
        Span::new().years(self.years).months(self.months).weeks(self.weeks).days(self.days)
    }
}

impl FromStr for Period {
    type Err = Refusal;

    /// Reads `P`, then years, months, weeks and days in this order, each at most once.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let invalid = || {
            Refusal::new(Code::InvalidTime).detail("A period must be like P10Y, P18M, P2W or P30D.")
        };
        let mut rest = text.strip_prefix('P').ok_or_else(invalid)?;
        let mut parts = [0u32; 4];
        for ((unit, part), max) in ['Y', 'M', 'W', 'D'].into_iter().zip(&mut parts).zip(MAX) {
            let Some((digits, after)) = rest.split_once(unit) else { continue };
            if digits.len() > 5 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(invalid());
            }
            *part = digits.parse().ok().filter(|n| *n <= max).ok_or_else(invalid)?;
            rest = after;
        }
        if !rest.is_empty() || parts == [0; 4] {
            return Err(invalid());
        }
        let [years, months, weeks, days] = parts;
        Ok(Self { years, months, weeks, days })
    }
}

impl TryFrom<String> for Period {
    type Error = Refusal;
    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("P")?;
        for (n, unit) in
            [(self.years, 'Y'), (self.months, 'M'), (self.weeks, 'W'), (self.days, 'D')]
        {
            if n > 0 {
                write!(f, "{n}{unit}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::Period;
    use crate::clock::{Day, END_OF_TIME, Time};

    #[test]
    fn periods_read_back() {
        for text in ["P10Y", "P18M", "P2W", "P30D", "P1Y6M", "P1Y2M3W4D"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "P",
            "P0D",
            "10Y",
            "P-1Y",
            "P1.5Y",
            "PT1H",
            "P1D1Y",
            "P1Y1Y",
            "P101Y",
            "P1y",
            "PY",
            "P+1Y",
            "P1Y ",
            "P99999999999Y",
            "P1YT",
            "P\u{661}Y",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn months_and_years_keep_the_day_or_take_the_last() {
        let after = |period: &str, day: &str| {
            period.parse::<Period>().unwrap().after_day(Day::parse(day).unwrap()).to_string()
        };
        assert_eq!(after("P10Y", "2024-02-29"), "2034-02-28");
        assert_eq!(after("P1M", "2026-01-31"), "2026-02-28");
        assert_eq!(after("P1Y6M", "2024-08-31"), "2026-02-28");
        assert_eq!(after("P2W", "2026-01-01"), "2026-01-15");
    }

    #[test]
    fn sums_are_those_that_policies_compute() {
        let golden = include_str!("../../../../plugins/golden/days.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        for row in golden["plus"].as_array().unwrap() {
            let text = |n: usize| row[n].as_str().unwrap();
            let day = |n| Day::from_date(text(n).parse().unwrap());
            // Policies end there; the service has days beyond.
            if text(2) != "9999-12-31" {
                let period: Period = text(1).parse().unwrap();
                assert_eq!(period.after_day(day(0)), day(2), "{row}");
            }
        }
    }

    #[test]
    fn the_same_period_in_other_words_is_the_same() {
        let same =
            |one: &str, other: &str| one.parse::<Period>().unwrap().is_same(other.parse().unwrap());
        assert!(same("P2Y", "P24M") && same("P1Y6M", "P18M"));
        assert!(same("P2W", "P14D") && same("P1W3D", "P10D"));
        // A year is not 52 weeks, nor a month 30 days.
        assert!(!same("P1Y", "P52W") && !same("P1M", "P30D") && !same("P2Y", "P2M"));
    }

    #[test]
    fn the_far_future_is_the_end_of_time() {
        let at = Time::parse("2099-12-31T00:00:00Z").unwrap();
        let end = "P1D".parse::<Period>().unwrap().after(at);
        assert_eq!(end, END_OF_TIME);
        assert_eq!("P100Y".parse::<Period>().unwrap().after(Time(i64::MAX)), END_OF_TIME);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_or_refused(text in "P?[0-9YMWDT]{0,8}") {
            if let Ok(period) = text.parse::<Period>() {
                prop_assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
            }
        }

        #[test]
        fn a_period_leads_forward(days in 1u32..36_600, at in 0i64..4_000_000_000_000_000) {
            let period: Period = format!("P{days}D").parse().unwrap();
            prop_assert!(period.after(Time(at)) > Time(at));
            prop_assert_eq!(period.after_day(Day(0)), Day(i32::try_from(days).unwrap()));
        }
    }
}
