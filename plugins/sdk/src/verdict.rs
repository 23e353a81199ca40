//! What a policy says of a record, and how it becomes columns.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::bindings::types::Verdicts;
use crate::day::Day;
use crate::record::FieldView;

const NO_INDEX: u32 = u32::MAX;

/// The numbers of `types.wit`.
pub(crate) mod action {
    pub(crate) const KEEP: u8 = 1;
    pub(crate) const REVIEW: u8 = 2;
    pub(crate) const CLEAR: u8 = 3;
    pub(crate) const ERASE: u8 = 4;
    pub(crate) const WITHHOLD: u8 = 5;
    pub(crate) const LOW: u8 = 6;
    pub(crate) const MEDIUM: u8 = 7;
    pub(crate) const HIGH: u8 = 8;
}

/// One row of the verdict columns.
#[derive(Clone, Debug)]
struct Row<'a> {
    action: u8,
    rule: &'a str,
    until: Option<Day>,
    fields: Vec<u32>,
    message: Option<Cow<'a, str>>,
}

impl<'a> Row<'a> {
    fn new(action: u8, rule: &'a str) -> Self {
        Self { action, rule, until: None, fields: Vec::new(), message: None }
    }

    fn of<'f>(mut self, fields: impl IntoIterator<Item = FieldView<'f>>) -> Self {
        self.fields.extend(fields.into_iter().map(FieldView::row));
        self.fields.sort_unstable();
        self.fields.dedup();
        self
    }

    /// Both: the fields of both, where none means all, up to the later end, by the rule of that end.
    fn and(self, other: Self) -> Self {
        let end = |row: &Self| row.until.unwrap_or(Day(i32::MAX));
        let (mut longer, shorter) =
            if end(&other) > end(&self) { (other, self) } else { (self, other) };
        if longer.fields.is_empty() || shorter.fields.is_empty() {
            longer.fields.clear();
        } else {
            longer.fields.extend(shorter.fields);
            longer.fields.sort_unstable();
            longer.fields.dedup();
        }
        longer
    }
}

/// What a retention policy says of a record. Its rule is the code of a rule of the manifest or of
/// the settings.
#[derive(Clone, Debug)]
#[must_use]
pub struct Verdict<'a>(Option<Row<'a>>);

impl<'a> Verdict<'a> {
    /// Nothing: as far as this policy goes, the record is kept.
    pub fn none() -> Self {
        Self(None)
    }

    /// Kept up to this day, the last; asked again after it, or when something of the record changes.
    /// The day must be today or later, at most [`Day::LAST`].
    pub fn keep_until(until: Day, rule: &'a str) -> Self {
        Self(Some(Row { until: Some(until), ..Row::new(action::KEEP, rule) }))
    }

    /// A person decides.
    pub fn review(rule: &'a str) -> Self {
        Self(Some(Row::new(action::REVIEW, rule)))
    }

    /// The values of these fields of the record are removed; their names stay. Nothing when there is
    /// no field.
    pub fn clear<'f>(fields: impl IntoIterator<Item = FieldView<'f>>, rule: &'a str) -> Self {
        Self(Some(Row::new(action::CLEAR, rule).of(fields)).filter(|row| !row.fields.is_empty()))
    }

    /// The record is erased.
    pub fn erase(rule: &'a str) -> Self {
        Self(Some(Row::new(action::ERASE, rule)))
    }

    /// With a sentence for people, at most 1,000 bytes. It must never hold a value of a field.
    pub fn because(self, message: impl Into<Cow<'a, str>>) -> Self {
        Self(self.0.map(|row| Row { message: Some(message.into()), ..row }))
    }
}

/// What a guard says of a record that is about to be destroyed. Its rule is the code of a `must-keep`
/// rule of the manifest or of the settings.
#[derive(Clone, Debug)]
#[must_use]
pub struct Withhold<'a>(Option<Row<'a>>);

impl<'a> Withhold<'a> {
    /// Nothing: it may go.
    pub fn none() -> Self {
        Self(None)
    }

    /// The whole record stays up to this day, the last; without a day, as long as no end is known.
    /// The day must be today or later, at most [`Day::LAST`].
    pub fn until(until: Option<Day>, rule: &'a str) -> Self {
        Self(Some(Row { until, ..Row::new(action::WITHHOLD, rule) }))
    }

    /// These fields of the record alone stay. Nothing when there is no field.
    pub fn only<'f>(self, fields: impl IntoIterator<Item = FieldView<'f>>) -> Self {
        Self(self.0.map(|row| row.of(fields)).filter(|row| !row.fields.is_empty()))
    }

    /// What satisfies both: the fields of both (the whole record when one withholds it), up to the
    /// later end. The rule and the message are those of the later end, of this one when they are alike.
    pub fn and(self, other: Self) -> Self {
        Self(match (self.0, other.0) {
            (Some(one), Some(other)) => Some(one.and(other)),
            (one, other) => one.or(other),
        })
    }

    /// With a sentence for people, at most 1,000 bytes. It must never hold a value of a field.
    pub fn because(self, message: impl Into<Cow<'a, str>>) -> Self {
        Self(self.0.map(|row| Row { message: Some(message.into()), ..row }))
    }
}

/// What an audit reports. Its rule is the code of a rule of the manifest or of the settings.
#[derive(Clone, Debug)]
#[must_use]
pub struct Finding<'a>(Row<'a>);

impl<'a> Finding<'a> {
    /// To be looked at some time.
    pub fn low(rule: &'a str) -> Self {
        Self(Row::new(action::LOW, rule))
    }

    /// To be looked at soon.
    pub fn medium(rule: &'a str) -> Self {
        Self(Row::new(action::MEDIUM, rule))
    }

    /// To be looked at first.
    pub fn high(rule: &'a str) -> Self {
        Self(Row::new(action::HIGH, rule))
    }

    /// About these fields of the record; about the whole record when there are none.
    pub fn of<'f>(self, fields: impl IntoIterator<Item = FieldView<'f>>) -> Self {
        Self(self.0.of(fields))
    }

    /// With a sentence for people, at most 1,000 bytes. It must never hold a value of a field; where
    /// values were granted, the host shows the rule's title instead.
    pub fn because(self, message: impl Into<Cow<'a, str>>) -> Self {
        Self(Row { message: Some(message.into()), ..self.0 })
    }
}

/// Where an audit puts what it finds.
#[derive(Debug)]
pub struct Findings<'c> {
    columns: &'c mut Columns,
    index: u32,
}

impl Findings<'_> {
    /// Reports a finding; any number of them.
    pub fn report(&mut self, finding: Finding<'_>) {
        self.columns.push(self.index, finding.0);
    }
}

/// The verdict columns while they are written.
#[derive(Debug)]
pub(crate) struct Columns {
    verdicts: Verdicts,
    known: HashMap<String, u32>,
}

impl Columns {
    pub(crate) fn new() -> Self {
        let verdicts = Verdicts {
            index: Vec::new(),
            action: Vec::new(),
            rule: Vec::new(),
            until: Vec::new(),
            field_start: vec![0],
            fields: Vec::new(),
            message: Vec::new(),
            strings: Vec::new(),
        };
        Self { verdicts, known: HashMap::new() }
    }

    pub(crate) fn verdict(&mut self, item: u32, verdict: Verdict<'_>) {
        if let Some(row) = verdict.0 {
            self.push(item, row);
        }
    }

    pub(crate) fn withhold(&mut self, item: u32, withhold: Withhold<'_>) {
        if let Some(row) = withhold.0 {
            self.push(item, row);
        }
    }

    pub(crate) fn findings(&mut self, item: Option<u32>) -> Findings<'_> {
        Findings { columns: self, index: item.unwrap_or(NO_INDEX) }
    }

    pub(crate) fn finish(mut self) -> Verdicts {
        if self.verdicts.fields.is_empty() {
            self.verdicts.field_start.clear();
        }
        self.verdicts
    }

    fn push(&mut self, index: u32, row: Row<'_>) {
        let rule = self.rule(row.rule);
        let message = row.message.map_or(NO_INDEX, |message| self.intern(&message));
        let columns = &mut self.verdicts;
        columns.index.push(index);
        columns.action.push(row.action);
        columns.rule.push(rule);
        columns.until.push(Day::to_column(row.until));
        columns.fields.extend(row.fields);
        columns.field_start.push(number(columns.fields.len()));
        columns.message.push(message);
    }

    /// The string of a rule; most often it is that of the verdict before.
    fn rule(&mut self, code: &str) -> u32 {
        let last = self.verdicts.rule.last().copied();
        let same = |index: &u32| {
            usize::try_from(*index).is_ok_and(|place| self.verdicts.strings[place] == code)
        };
        last.filter(same).unwrap_or_else(|| self.intern(code))
    }

    fn intern(&mut self, text: &str) -> u32 {
        if let Some(index) = self.known.get(text) {
            return *index;
        }
        let index = number(self.verdicts.strings.len());
        self.verdicts.strings.push(text.to_owned());
        self.known.insert(text.to_owned(), index);
        index
    }
}

/// Columns are far shorter than what a `u32` counts; one that is not is refused by the host.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(NO_INDEX)
}
