//! Reads what a guest gave back, and refuses it unless it keeps to `plugins/wit/types.wit`.

use std::ops::Range;
use std::sync::Arc;

use oubli_domain::Day;

use crate::batch::{NO_DAY, NO_INDEX};
use crate::chunk::Chunk;
use crate::error::BadOutput;
use crate::manifest::{Rule, RuleKind, Rules};
use crate::text;
use crate::verdict::{Finding, Retention, Severity, Verdict, Withhold};
use crate::wit::oubli::policy::types::Verdicts;

/// The longest message, in bytes.
const MAX_MESSAGE: usize = 1_000;
/// 31 December 9999.
const LAST_DAY: i32 = 2_932_896;

/// One verdict, whose index, rule, day, fields and message are sound by themselves.
pub(crate) struct Row {
    /// The item in the batch; none for the data map.
    pub(crate) item: Option<usize>,
    action: u8,
    rule: Arc<Rule>,
    until: Option<Day>,
    fields: Vec<Arc<str>>,
    message: Option<Arc<str>>,
}

/// Whether several verdicts may speak of one item, and some of the data map.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexing {
    /// Each item at most once.
    Once,
    /// As often as something is found; no index means the data map.
    Findings,
}

/// Reads the verdicts on a chunk.
///
/// # Errors
/// The first breach; nothing of such an output is used.
pub(crate) fn read(
    verdicts: &Verdicts,
    chunk: &Chunk<'_>,
    rules: &Rules,
    today: Day,
    indexing: Indexing,
) -> Result<Vec<Row>, BadOutput> {
    let rows = verdicts.index.len();
    let columns =
        [verdicts.action.len(), verdicts.rule.len(), verdicts.until.len(), verdicts.message.len()];
    if columns.iter().any(|length| *length != rows) {
        return Err(BadOutput::Columns);
    }
    check_starts(verdicts)?;
    check_order(&verdicts.index, indexing)?;
    let reader = Reader {
        verdicts,
        chunk,
        today,
        rules: find_rules(verdicts, rules),
        messages: messages(verdicts, chunk),
    };
    (0..rows).map(|row| reader.row(row)).collect()
}

fn check_starts(verdicts: &Verdicts) -> Result<(), BadOutput> {
    let starts = &verdicts.field_start;
    let ends = |last: &u32| usize::try_from(*last) == Ok(verdicts.fields.len());
    let sound = if starts.is_empty() {
        verdicts.fields.is_empty()
    } else {
        starts.len() == verdicts.index.len() + 1
            && starts.first() == Some(&0)
            && starts.is_sorted()
            && starts.last().is_some_and(ends)
    };
    if sound { Ok(()) } else { Err(BadOutput::Columns) }
}

fn check_order(index: &[u32], indexing: Indexing) -> Result<(), BadOutput> {
    let sound = match indexing {
        Indexing::Once => index.is_sorted_by(|a, b| a < b),
        Indexing::Findings => index.is_sorted(),
    };
    if sound { Ok(()) } else { Err(BadOutput::Index) }
}

/// By index in the guest's dictionary: the rule of that code.
fn find_rules(verdicts: &Verdicts, rules: &Rules) -> Vec<Option<Arc<Rule>>> {
    verdicts.strings.iter().map(|code| rules.get(code).cloned()).collect()
}

/// By index in the guest's dictionary: the string, when it may be shown to people. None at all when
/// values were granted, since any string could hold one.
fn messages(verdicts: &Verdicts, chunk: &Chunk<'_>) -> Option<Vec<Option<Arc<str>>>> {
    let may_be_shown = |text: &str| text.len() <= MAX_MESSAGE && text::is_plain(text);
    let show = |text: &String| may_be_shown(text).then(|| text.as_str().into());
    (!chunk.batch.has_values()).then(|| verdicts.strings.iter().map(show).collect())
}

struct Reader<'a> {
    verdicts: &'a Verdicts,
    chunk: &'a Chunk<'a>,
    today: Day,
    rules: Vec<Option<Arc<Rule>>>,
    messages: Option<Vec<Option<Arc<str>>>>,
}

impl Reader<'_> {
    fn row(&self, row: usize) -> Result<Row, BadOutput> {
        let item = self.item(row)?;
        let rule = entry(&self.rules, self.verdicts.rule[row]).ok_or(BadOutput::Rule)?;
        Ok(Row {
            item,
            action: self.verdicts.action[row],
            rule: rule.clone().ok_or(BadOutput::Rule)?,
            until: self.until(row)?,
            fields: self.fields(row, item)?,
            message: self.message(row)?,
        })
    }

    fn item(&self, row: usize) -> Result<Option<usize>, BadOutput> {
        let index = self.verdicts.index[row];
        if index == NO_INDEX {
            // Where it may not stand, the action is refused.
            return Ok(None);
        }
        let item = usize::try_from(index).map_err(|_| BadOutput::Index)?;
        if item >= self.chunk.items.len() {
            return Err(BadOutput::Index);
        }
        Ok(Some(self.chunk.items.start + item))
    }

    fn until(&self, row: usize) -> Result<Option<Day>, BadOutput> {
        match self.verdicts.until[row] {
            NO_DAY => Ok(None),
            day if (self.today.0..=LAST_DAY).contains(&day) => Ok(Some(Day(day))),
            _ => Err(BadOutput::Until),
        }
    }

    fn fields(&self, row: usize, item: Option<usize>) -> Result<Vec<Arc<str>>, BadOutput> {
        let named = &self.verdicts.fields[self.named(row)];
        if named.is_empty() {
            return Ok(Vec::new());
        }
        let of_item = item.map(|item| self.chunk.batch.fields_of(item)).ok_or(BadOutput::Fields)?;
        if !named.is_sorted_by(|a, b| a < b) {
            return Err(BadOutput::Fields);
        }
        named.iter().map(|field| self.field(*field, &of_item)).collect()
    }

    fn named(&self, row: usize) -> Range<usize> {
        let start = |row: usize| self.verdicts.field_start.get(row).map_or(0, |at| *at as usize);
        start(row)..start(row + 1)
    }

    fn field(&self, field: u32, of_item: &Range<usize>) -> Result<Arc<str>, BadOutput> {
        let row = usize::try_from(field).map_err(|_| BadOutput::Fields)?;
        let row = row.checked_add(self.chunk.fields().start).ok_or(BadOutput::Fields)?;
        if !of_item.contains(&row) {
            return Err(BadOutput::Fields);
        }
        let batch = self.chunk.batch;
        batch.string(batch.field_name[row]).cloned().ok_or(BadOutput::Fields)
    }

    fn message(&self, row: usize) -> Result<Option<Arc<str>>, BadOutput> {
        match (self.verdicts.message[row], &self.messages) {
            (NO_INDEX, _) => Ok(None),
            (index, Some(messages)) => {
                let message = entry(messages, index).ok_or(BadOutput::Message)?;
                message.clone().map(Some).ok_or(BadOutput::Message)
            }
            (index, None) => {
                entry(&self.verdicts.strings, index).map(|_| None).ok_or(BadOutput::Message)
            }
        }
    }
}

fn entry<T>(dictionary: &[T], index: u32) -> Option<&T> {
    usize::try_from(index).ok().and_then(|index| dictionary.get(index))
}

impl Row {
    fn with<A>(self, action: A) -> Verdict<A> {
        Verdict { action, rule: self.rule, message: self.message }
    }

    /// As a retention policy's.
    pub(crate) fn retention(mut self) -> Result<Verdict<Retention>, BadOutput> {
        self.item.ok_or(BadOutput::Index)?;
        let fields = std::mem::take(&mut self.fields);
        let action = match (self.action, self.until, fields.is_empty()) {
            (1, Some(until), true) => Retention::Keep { until },
            (2, None, true) => Retention::Review,
            (3, None, false) => Retention::Clear { fields },
            (4, None, true) => Retention::Erase,
            (1, None, _) | (2..=4, Some(_), _) => return Err(BadOutput::Until),
            (1..=4, ..) => return Err(BadOutput::Fields),
            _ => return Err(BadOutput::Action),
        };
        Ok(self.with(action))
    }

    /// As a guard's. A limit never withholds.
    pub(crate) fn guard(mut self) -> Result<Verdict<Withhold>, BadOutput> {
        self.item.ok_or(BadOutput::Index)?;
        if self.action != 5 {
            return Err(BadOutput::Action);
        }
        if self.rule.kind != RuleKind::MustKeep {
            return Err(BadOutput::Rule);
        }
        let withhold = Withhold { until: self.until, fields: std::mem::take(&mut self.fields) };
        Ok(self.with(withhold))
    }

    /// As an audit's.
    pub(crate) fn audit(mut self) -> Result<Verdict<Finding>, BadOutput> {
        let severity = match self.action {
            6 => Severity::Low,
            7 => Severity::Medium,
            8 => Severity::High,
            _ => return Err(BadOutput::Action),
        };
        if self.until.is_some() {
            return Err(BadOutput::Until);
        }
        let finding = Finding { severity, fields: std::mem::take(&mut self.fields) };
        Ok(self.with(finding))
    }
}

#[cfg(test)]
mod tests;
