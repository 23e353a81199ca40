//! When the retention of a record starts to count.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{Day, Time};
use crate::ids::Name;
use crate::problem::{Code, Refusal};
use crate::record::is_empty_value;
use crate::wire::wire_enum;

/// The time zones built into the program, so that a rule does not depend on the machine's.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

wire_enum! {
    /// What the clock starts from.
    ClockFrom, "clock start" {
        /// The day the record was created.
        Created = "created",
        /// The day of the last contact that came from the person.
        LastContact = "last_contact",
        /// A date in the record.
        Field = "field",
    }
}

wire_enum! {
    /// A year whose end the clock waits for.
    YearEnd, "year" {
        /// 31 December.
        CalendarYear = "calendar_year",
        /// The app's `financial_year_end`.
        FinancialYear = "financial_year",
    }
}

/// When retention starts to count: a day, or the end of the year it lies in.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockStart {
    /// From what.
    pub from: ClockFrom,
    /// From which field: required of the type `date` or `date-time`, and only for `field`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<Name>,
    /// The end of the year in which the day lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_of: Option<YearEnd>,
}

/// The day on which a financial year ends, of any year.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    const LAST_OF_YEAR: Self = Self { month: 12, day: 31 };

    /// Reads `MM-DD`; `02-29` stands for the last day of February.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (month, day) = text.split_once('-')?;
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        // 2024 has a 29 February.
        Date::new(2024, month, day).ok().map(|_| Self { month, day })
    }

    fn in_year(self, year: i16) -> Date {
        let last = date(year, self.month, 1).last_of_month();
        if self.day < last.day() { date(year, self.month, self.day) } else { last }
    }

    /// The first such day that is not before `day`.
    fn not_before(self, day: Date) -> Date {
        let end = self.in_year(day.year());
        if end >= day { end } else { self.in_year(day.year() + 1) }
    }
}

/// What every clock start of an app needs.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    zone: TimeZone,
    financial_year_end: MonthDay,
}

impl Calendar {
    /// The calendar of an app; none when the zone is no IANA name or the year's end is no day.
    pub(super) fn new(zone: &str, financial_year_end: Option<&str>) -> Option<Self> {
        let zone = find_zone(zone)?;
        let financial_year_end =
            financial_year_end.map_or(Some(MonthDay::LAST_OF_YEAR), MonthDay::parse)?;
        Some(Self { zone, financial_year_end })
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The civil day of an instant in the app's time zone.
    pub(super) fn day(&self, at: Time) -> Result<Date, Refusal> {
        let at = Timestamp::from_microsecond(at.0).map_err(|_| Code::InvalidTime)?;
        let day = self.zone.to_datetime(at).date();
        if (1900..=2100).contains(&day.year()) { Ok(day) } else { Err(Code::InvalidTime.into()) }
    }

    fn end_of(&self, year: Option<YearEnd>, day: Date) -> Date {
        match year {
            None => day,
            Some(YearEnd::CalendarYear) => MonthDay::LAST_OF_YEAR.not_before(day),
            Some(YearEnd::FinancialYear) => self.financial_year_end.not_before(day),
        }
    }
}

/// The zone of an IANA name, spelt as IANA does.
pub(super) fn find_zone(name: &str) -> Option<TimeZone> {
    ZONES.get(name).ok().filter(|zone| !zone.is_unknown() && zone.iana_name() == Some(name))
}

impl ClockStart {
    /// The day for one record; none while the field is absent or empty.
    pub(super) fn day(
        &self,
        calendar: &Calendar,
        body: &Value,
        created: Time,
        last_contact: Time,
    ) -> Result<Option<Day>, Refusal> {
        let day = match (self.from, &self.field) {
            (ClockFrom::Created, _) => calendar.day(created)?,
            (ClockFrom::LastContact, _) => calendar.day(last_contact)?,
            (ClockFrom::Field, None) => return Ok(None),
            (ClockFrom::Field, Some(field)) => match body.get(field.as_str()) {
                Some(value) if !is_empty_value(value) => field_day(calendar, field, value)?,
                _ => return Ok(None),
            },
        };
        Ok(Some(Day::from_date(calendar.end_of(self.end_of, day))))
    }
}

/// The day of a value of format `date` or `date-time`.
fn field_day(calendar: &Calendar, field: &Name, value: &Value) -> Result<Date, Refusal> {
    let text = value.as_str().unwrap_or_default();
    parse_day(text)
        .or_else(|| instant(text).map(|at| calendar.zone().to_datetime(at).date()))
        .ok_or_else(|| {
            Refusal::new(Code::InvalidRecord)
                .at(format!("/{field}"), "must be a date or date-time between 1900 and 2100")
        })
}

/// Reads a full-date of RFC 3339 between 1900 and 2100.
pub(super) fn parse_day(text: &str) -> Option<Date> {
    let shape = text.len() == 10
        && text.bytes().enumerate().all(|(n, b)| match n {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let date: Date = text.parse().ok().filter(|_| shape)?;
    (1900..2100).contains(&date.year()).then_some(date)
}

/// Reads a date-time of RFC 3339, section 5.6, between 1900 and 2100.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let (day, time) = (text.get(..10)?, text.get(10..)?);
    let clock = time.strip_prefix(['T', 't'])?;
    let (clock, offset) = clock.split_at(clock.find(['Z', 'z', '+', '-'])?);
    let shape = clock.len() >= 8
        && clock.as_bytes()[2] == b':'
        && clock.as_bytes()[5] == b':'
        && !clock.contains(',')
        && matches!((offset.len(), offset.as_bytes().get(3)), (1, _) | (6, Some(b':')));
    parse_day(day).filter(|_| shape)?;
    text.parse().ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::{MonthDay, find_zone, instant, parse_day};

    #[test]
    fn years_end_where_policies_say() {
        let golden = include_str!("../../../../plugins/golden/days.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        for row in golden["end-of-financial-year"].as_array().unwrap() {
            let text = |n: usize| row[n].as_str().unwrap();
            // Policies end there; the service reads no such days.
            if text(2) != "9999-12-31" {
                let end = MonthDay::parse(text(1)).unwrap().not_before(text(0).parse().unwrap());
                assert_eq!(end, text(2).parse().unwrap(), "{row}");
            }
        }
    }

    #[test]
    fn days_and_instants_are_those_of_rfc_3339() {
        assert!(parse_day("2024-02-29").is_some());
        for bad in ["2023-02-29", "20240229", "2024-02-29T00:00:00", "1899-12-31", "2100-01-01", ""]
        {
            assert!(parse_day(bad).is_none(), "{bad}");
        }
        for good in ["2024-02-29T23:59:59Z", "2024-02-29t10:00:00.5+05:30", "1900-01-01T00:00:00z"]
        {
            assert!(instant(good).is_some(), "{good}");
        }
        for bad in [
            "2024-02-29",
            "2024-02-29T10:00Z",
            "2024-02-29T10:00:00",
            "2024-02-29 10:00:00Z",
            "2024-02-29T10:00:00+01:00[Europe/Paris]",
            "2024-02-29T25:00:00Z",
            "9999-12-31T00:00:00Z",
            "2024-02-29T10:00:00+0100",
            "2024-02-29T10:00:00,5Z",
            "é024-02-29T10:00:00Z",
        ] {
            assert!(instant(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn zones_are_spelt_as_iana_does() {
        for good in ["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"] {
            assert!(find_zone(good).is_some(), "{good}");
        }
        for bad in ["europe/paris", "CEST+1", "+01:00", "Etc/Unknown", "", "Mars/Olympus"] {
            assert!(find_zone(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_end_of_a_financial_year_is_never_before_the_day() {
        let end = |text: &str, day| MonthDay::parse(text).unwrap().not_before(day);
        assert_eq!(end("03-31", date(2026, 3, 31)), date(2026, 3, 31));
        assert_eq!(end("03-31", date(2026, 4, 1)), date(2027, 3, 31));
        assert_eq!(end("02-29", date(2026, 1, 1)), date(2026, 2, 28));
        assert_eq!(end("02-29", date(2028, 1, 1)), date(2028, 2, 29));
        assert_eq!(end("02-28", date(2028, 2, 29)), date(2029, 2, 28));
        for bad in ["02-30", "13-01", "00-01", "1", "x-y", ""] {
            assert!(MonthDay::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,30}|[0-9TZ:.+-]{0,30}") {
            if let Some(at) = instant(&text) {
                prop_assert!(instant(&at.to_string()).is_some() || text.contains(['+', '-']));
            }
            let _ = (parse_day(&text), find_zone(&text), MonthDay::parse(&text));
        }

        #[test]
        fn a_year_ends_within_a_year(month in 1i8..=12, day in 1i8..=28, offset in 0i32..40_000) {
            let end = MonthDay { month, day };
            let start = crate::clock::Day(offset).date().unwrap();
            let found = end.not_before(start);
            prop_assert!(found >= start);
            prop_assert!(found.duration_since(start).as_hours() <= 366 * 24);
        }
    }
}
