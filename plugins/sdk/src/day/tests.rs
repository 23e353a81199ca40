#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde::Deserialize;

use super::{Day, Period, YearEnd};

/// The one file of all languages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Golden {
    #[serde(rename = "about")]
    _about: String,
    days: Vec<(Day, i32)>,
    plus: Vec<(Day, Period, Day)>,
    end_of_calendar_year: Vec<(Day, Day)>,
    end_of_financial_year: Vec<(Day, YearEnd, Day)>,
    not_days: Vec<String>,
    not_periods: Vec<String>,
    not_year_ends: Vec<String>,
}

#[test]
fn days_are_those_of_the_golden_file() {
    let golden: Golden = serde_json::from_str(include_str!("../../../golden/days.json")).unwrap();
    for (day, number) in golden.days {
        assert_eq!((day.0, Day(number).to_string()), (number, day.to_string()));
    }
    for (day, period, end) in golden.plus {
        assert_eq!(day.plus(period), end, "{day} + {period}");
    }
    for (day, end) in golden.end_of_calendar_year {
        assert_eq!(day.end_of_calendar_year(), end, "{day}");
    }
    for (day, year, end) in golden.end_of_financial_year {
        assert_eq!(day.end_of_year(year), end, "{day}, year to {year}");
    }
    assert!(golden.not_days.iter().all(|text| text.parse::<Day>().is_err()));
    assert!(golden.not_periods.iter().all(|text| text.parse::<Period>().is_err()));
    assert!(golden.not_year_ends.iter().all(|text| text.parse::<YearEnd>().is_err()));
}

#[test]
fn no_day_is_no_day() {
    assert_eq!(Day::from_column(i32::MIN), None);
    assert_eq!(Day::from_column(-1), Some(Day(-1)));
    assert_eq!(Day::to_column(None), i32::MIN);
    assert_eq!(Day(i32::MAX).plus("P1D".parse().unwrap()), Day::LAST);
}

#[test]
fn the_same_period_in_other_words_is_equal() {
    let period = |text: &str| text.parse::<Period>().unwrap();
    assert_eq!(period("P1Y6M"), period("P18M"));
    assert_eq!(period("P2W"), period("P14D"));
    assert_ne!(period("P1Y"), period("P365D"));
    assert_ne!(period("P1M"), period("P30D"));
}

proptest! {
    #[test]
    fn any_text_is_read_back_or_refused(text in "P?[0-9YMWDT-]{0,8}") {
        if let Ok(period) = text.parse::<Period>() {
            prop_assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn the_end_of_a_year_is_where_it_is(day in -30_000i32..80_000, month in 1u8..=12, last in 1u8..=29) {
        prop_assume!(month == 2 || last < 29);
        let end: YearEnd = format!("{month:02}-{last:02}").parse().unwrap();
        let found = Day(day).end_of_year(end);
        prop_assert_eq!(found.end_of_year(end), found);
        prop_assert!((0..366).contains(&(found.0 - day)));
    }
}
