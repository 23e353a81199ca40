//! The table, by category.

use std::collections::{BTreeSet, HashMap};

use oubli_policy_sdk::{Day, Period, Problem, RecordView, Verdict, Withhold, YearEnd};

use crate::settings::{After, Clock, Kind, Preset, PresetRow, Row, Settings, Since, Year};

/// The rows that cover each category.
#[derive(Debug)]
pub(crate) struct Table(HashMap<String, Vec<TableRow>>);

/// A row, of a preset or of one's own.
#[derive(Clone, Debug)]
pub(crate) struct TableRow {
    code: String,
    kind: Kind,
    duration: Period,
    clock: Clock,
    year_end: YearEnd,
    fields: Vec<String>,
    after: After,
}

/// The end of a row whose clock has not started.
const NEVER: Day = Day(i32::MAX);

impl Table {
    /// Makes the table.
    ///
    /// # Errors
    /// A code that stands twice, and a limit that names fields.
    pub(crate) fn new(settings: Settings) -> Result<Self, Vec<Problem>> {
        let problems = problems(&settings);
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut table = Self(HashMap::new());
        let year_end = settings.financial_year_end;
        for row in settings.presets {
            let (categories, row) = TableRow::of_preset(row, year_end)?;
            table.add(categories, &row);
        }
        for row in settings.rules {
            let (categories, row) = TableRow::of_rule(row, year_end);
            table.add(categories, &row);
        }
        Ok(table)
    }

    fn add(&mut self, categories: Vec<String>, row: &TableRow) {
        for category in categories {
            self.0.entry(category).or_default().push(row.clone());
        }
    }

    pub(crate) fn rows_of(&self, category: &str) -> &[TableRow] {
        self.0.get(category).map_or(&[], Vec::as_slice)
    }
}

fn problems(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut codes: BTreeSet<_> = Preset::ALL.iter().map(|preset| preset.fixed().code).collect();
    for (n, row) in settings.presets.iter().enumerate() {
        let kind = row.preset.fixed().kind;
        problems.extend(fields_of_a_limit(format!("/presets/{n}"), kind, &row.fields));
    }
    for (n, row) in settings.rules.iter().enumerate() {
        if !codes.insert(&row.code) {
            let text = "must differ from the codes of the presets and of the other rules";
            problems.push(Problem::new(format!("/rules/{n}/code"), text));
        }
        problems.extend(fields_of_a_limit(format!("/rules/{n}"), row.kind, &row.fields));
    }
    problems
}

fn fields_of_a_limit(path: String, kind: Kind, fields: &[String]) -> Option<Problem> {
    let text = "stands only with a duty: a limit is for whole records";
    (kind == Kind::Limit && !fields.is_empty()).then(|| Problem::new(path + "/fields", text))
}

impl TableRow {
    fn of_preset(row: PresetRow, year_end: YearEnd) -> Result<(Vec<String>, Self), Vec<Problem>> {
        let fixed = row.preset.fixed();
        let duration =
            fixed.duration().map_err(|error| vec![Problem::new("/presets", error.to_string())])?;
        let table_row = Self {
            code: fixed.code.to_owned(),
            kind: fixed.kind,
            duration,
            clock: fixed.clock,
            year_end,
            fields: row.fields,
            after: row.after,
        };
        Ok((row.categories, table_row))
    }

    fn of_rule(row: Row, year_end: YearEnd) -> (Vec<String>, Self) {
        let table_row = Self {
            code: row.code,
            kind: row.kind,
            duration: row.duration,
            clock: row.clock,
            year_end,
            fields: row.fields,
            after: row.after,
        };
        (row.categories, table_row)
    }

    pub(crate) fn is_duty(&self) -> bool {
        self.kind == Kind::MustKeep
    }

    /// The last day on which it keeps the record; [`NEVER`] while its clock has not started.
    pub(crate) fn end(&self, record: RecordView<'_>) -> Day {
        self.start(record).map_or(NEVER, |day| day.plus(self.duration))
    }

    fn start(&self, record: RecordView<'_>) -> Option<Day> {
        let day = match self.clock.from {
            Since::ClockStart => record.clock_start(),
            Since::Created => Some(record.created()),
            Since::LastContact => record.last_contact().or(Some(record.created())),
            Since::Closed => record.closed(),
        }?;
        Some(match self.clock.end_of {
            None => day,
            Some(Year::CalendarYear) => day.end_of_calendar_year(),
            Some(Year::FinancialYear) => day.end_of_year(self.year_end),
        })
    }
}

/// A row, and when it ends for one record.
#[derive(Clone, Copy)]
pub(crate) struct Ending<'t> {
    row: &'t TableRow,
    end: Day,
}

impl<'t> Ending<'t> {
    pub(crate) fn of(row: &'t TableRow, record: RecordView<'_>) -> Self {
        Self { row, end: row.end(record) }
    }

    pub(crate) fn end(&self) -> Day {
        self.end
    }

    pub(crate) fn runs(&self, today: Day) -> bool {
        today <= self.end
    }

    /// What becomes of the record if this row decides.
    pub(crate) fn verdict(self, today: Day) -> Verdict<'t> {
        let rule = &self.row.code;
        if self.end == NEVER {
            return Verdict::none();
        }
        if self.runs(today) {
            return Verdict::keep_until(self.end, rule);
        }
        match self.row.after {
            After::Erase => Verdict::erase(rule),
            After::Review => Verdict::review(rule),
            After::Nothing => Verdict::none(),
        }
    }

    /// What it withholds of the record, up to its end.
    pub(crate) fn withhold(self, record: RecordView<'_>) -> Withhold<'t> {
        let all = Withhold::until(Some(self.end).filter(|end| *end != NEVER), &self.row.code);
        let names = &self.row.fields;
        if names.is_empty() {
            return all;
        }
        all.only(record.fields().filter(|field| names.iter().any(|name| name == field.name())))
    }
}
