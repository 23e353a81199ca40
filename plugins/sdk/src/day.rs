//! Civil days, and the two kinds of arithmetic that retention needs: adding a period, and going to
//! the end of a year. `plugins/golden/days.json` says what must come out, in every language.

use std::fmt;
use std::str::FromStr;

use jiff::Span;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

/// A civil day: days since 1970-01-01 in the app's time zone, negative before it. Text form:
/// `YYYY-MM-DD`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(pub i32);

/// What stands for no day in a column.
const NO_DAY: i32 = i32::MIN;

const EPOCH: Date = date(1970, 1, 1);

impl Day {
    /// 31 December 9999, the last day that a verdict may name. Arithmetic that leads beyond ends here.
    pub const LAST: Self = Self(2_932_896);

    pub(crate) fn from_column(days: i32) -> Option<Self> {
        (days != NO_DAY).then_some(Self(days))
    }

    pub(crate) fn to_column(day: Option<Self>) -> i32 {
        day.map_or(NO_DAY, |day| day.0)
    }

    /// The day that lies `period` after this one. Years and months keep the day of the month or take
    /// the last: 29 February and ten years give 28 February. Years and months go first, together;
    /// then weeks and days.
    #[must_use]
    pub fn plus(self, period: Period) -> Self {
        self.in_calendar(|day| day.checked_add(period.0).ok())
    }

    /// 31 December of the year that this day lies in.
    #[must_use]
    pub fn end_of_calendar_year(self) -> Self {
        self.end_of_year(YearEnd::default())
    }

    /// The first day, not before this one, on which a financial year ends.
    #[must_use]
    pub fn end_of_year(self, end: YearEnd) -> Self {
        self.in_calendar(|day| end.not_before(day))
    }

    fn in_calendar(self, step: impl FnOnce(Date) -> Option<Date>) -> Self {
        let found = self.date().and_then(step).map_or(Self::LAST, Self::from_date);
        found.min(Self::LAST)
    }

    fn date(self) -> Option<Date> {
        EPOCH.checked_add(Span::new().try_days(self.0).ok()?).ok()
    }

    fn from_date(date: Date) -> Self {
        let days = date.duration_since(EPOCH).as_hours().div_euclid(24);
        // Dates cover 20,000 years.
        Self(i32::try_from(days).unwrap_or(Self::LAST.0))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.date() {
            Some(date) => write!(f, "{date}"),
            None => write!(f, "{}d", self.0),
        }
    }
}

impl FromStr for Day {
    type Err = Malformed;

    /// Reads `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        let date: Option<Date> = text.parse().ok();
        // Other forms of ISO 8601 are read too: this one alone is written.
        date.filter(|date| date.to_string() == text).map(Self::from_date).ok_or(Malformed::DAY)
    }
}

/// A period of whole years, months, weeks and days, at least a day, each at most about a hundred
/// years. Text form: ISO 8601, such as `P10Y`, `P18M` or `P30D`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period(Span);

impl Period {
    /// The form of a period, as a regular expression for schemas.
    pub const PATTERN: &str = "^P([0-9]{1,3}Y)?([0-9]{1,4}M)?([0-9]{1,4}W)?([0-9]{1,5}D)?$";

    fn is_bounded(span: &Span) -> bool {
        let whole = span.get_hours() == 0
            && span.get_minutes() == 0
            && span.get_seconds() == 0
            && span.get_milliseconds() == 0
            && span.get_microseconds() == 0
            && span.get_nanoseconds() == 0;
        whole
            && span.is_positive()
            && span.get_years() <= 100
            && span.get_months() <= 1_200
            && span.get_weeks() <= 5_300
            && span.get_days() <= 36_600
    }
}

/// Equal when both always lead to the same day: a year is twelve months, and a week seven days.
impl PartialEq for Period {
    fn eq(&self, other: &Self) -> bool {
        let plain = |span: &Span| {
            let months = i32::from(span.get_years()) * 12 + span.get_months();
            (months, span.get_weeks() * 7 + span.get_days())
        };
        plain(&self.0) == plain(&other.0)
    }
}

impl Eq for Period {}

impl FromStr for Period {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let span: Option<Span> = text.parse().ok();
        // Signs, small letters and words are read too: this one form alone is written.
        span.filter(|span| Self::is_bounded(span) && span.to_string() == text)
            .map(Self)
            .ok_or(Malformed::PERIOD)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The day on which a financial year ends, of any year; 31 December by default. Text form: `MM-DD`,
/// where `02-29` stands for the last day of February.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct YearEnd {
    month: i8,
    day: i8,
}

impl YearEnd {
    /// The form of the end of a year, as a regular expression for schemas.
    pub const PATTERN: &str = "^[0-9]{2}-[0-9]{2}$";

    fn in_year(self, year: i16) -> Option<Date> {
        let last = Date::new(year, self.month, 1).ok()?.last_of_month();
        if self.day < last.day() { Date::new(year, self.month, self.day).ok() } else { Some(last) }
    }

    fn not_before(self, day: Date) -> Option<Date> {
        let end = self.in_year(day.year())?;
        if end >= day { Some(end) } else { self.in_year(day.year().checked_add(1)?) }
    }
}

impl Default for YearEnd {
    fn default() -> Self {
        Self { month: 12, day: 31 }
    }
}

impl FromStr for YearEnd {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        // 2024 has a 29 February.
        let day: Day = format!("2024-{text}").parse().map_err(|_| Malformed::YEAR_END)?;
        let date = day.date().ok_or(Malformed::YEAR_END)?;
        Ok(Self { month: date.month(), day: date.day() })
    }
}

impl fmt::Display for YearEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// A text that is no day, period or end of a year. Says what it should be, not what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed(&'static str);

impl Malformed {
    const DAY: Self = Self("must be a day like 2026-12-31");
    const PERIOD: Self =
        Self("must be a period like P10Y, P18M, P2W or P30D, of a day to a hundred years");
    const YEAR_END: Self = Self("must be the month and day on which a year ends, like 12-31");
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// Text on the wire: read with `FromStr`, written with `Display`, described by a pattern.
macro_rules! as_text {
    ($type:ty, $name:literal, $schema:expr) => {
        impl TryFrom<String> for $type {
            type Error = Malformed;
            fn try_from(text: String) -> Result<Self, Malformed> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl schemars::JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

as_text!(Day, "Day", schemars::json_schema!({"type": "string", "format": "date"}));
as_text!(Period, "Period", schemars::json_schema!({"type": "string", "pattern": Period::PATTERN}));
as_text!(
    YearEnd,
    "YearEnd",
    schemars::json_schema!({"type": "string", "pattern": YearEnd::PATTERN})
);

#[cfg(test)]
mod tests;
