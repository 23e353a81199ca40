//! One line on its way: recognised by MACs, its times held against the clock.

use std::collections::{HashMap, HashSet};

use oubli_domain::data_map::LawfulBasis;
use oubli_domain::import_line::{Line, SubjectLine};
use oubli_domain::{Code, Refusal, SubjectId, Time};
use oubli_store::imported_lines::{self, ImportedLine};

use super::{ImportLine, LineResult, Run};
use crate::error::Result;
use crate::model::Model;
use crate::oubli::Oubli;
use crate::subjects::{NewIdentifier, PreparedIdentifier, prepare_for};

/// The MACs of a line. Ids and contents may be personal data and are kept in no other form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Macs {
    /// Of its type and id.
    pub(super) line: [u8; 32],
    /// Of its content.
    content: [u8; 32],
}

impl Macs {
    /// The row that says of whom the line was.
    pub(super) fn row(&self, subject: SubjectId) -> ImportedLine {
        ImportedLine { line: self.line, content: self.content, subject }
    }
}

/// The MAC of the type and id of a line of an app.
pub(super) fn line_mac(run: &Run<'_>, kind: &str, id: &str) -> [u8; 32] {
    let parts = [run.call.caller.app.as_str().as_bytes(), kind.as_bytes(), id.as_bytes()];
    run.oubli.secrets().mac.mac("oubli/import-line/v1", &parts)
}

/// A line that may be applied.
pub(super) enum Item {
    /// A person.
    Person(Person),
    /// A record or a consent event.
    Other(Other),
}

/// A person's line.
pub(super) struct Person {
    /// Its place in the batch.
    pub(super) n: usize,
    pub(super) macs: Macs,
    pub(super) line: SubjectLine,
    pub(super) identifiers: Vec<PreparedIdentifier>,
    /// What it must not share with another line that is applied at the same time: its id, and each
    /// identifier.
    pub(super) ties: Vec<[u8; 32]>,
}

/// A record's or a consent's line.
pub(super) struct Other {
    /// Its place in the batch.
    pub(super) n: usize,
    pub(super) macs: Macs,
    pub(super) line: Line,
}

impl Item {
    /// Checks what needs no database.
    ///
    /// # Errors
    /// `future-time`; `invalid-identifier`; `unknown-purpose`, `purpose-not-contract`;
    /// `invalid-body` for the first and the last line of a
    /// file, which no batch has.
    pub(super) fn new(run: &Run<'_>, n: usize, read: ImportLine) -> Result<Self, Refusal> {
        let Some(id) = read.line.id() else {
            let refusal = Refusal::new(Code::InvalidBody);
            return Err(refusal.at("/type", "stands at the beginning and end of files alone"));
        };
        refuse_future(&read.line, run.oubli.now())?;
        let app = run.call.caller.app.as_str().as_bytes();
        let content = [app, read.content.as_bytes()];
        let macs = Macs {
            line: line_mac(run, read.line.kind().as_str(), id.expose()),
            content: run.oubli.secrets().mac.mac("oubli/import-content/v1", &content),
        };
        match read.line {
            Line::Subject(line) => Person::new(run, n, macs, line).map(Self::Person),
            line => Ok(Self::Other(Other { n, macs, line })),
        }
    }
}

impl Person {
    fn new(run: &Run<'_>, n: usize, macs: Macs, line: SubjectLine) -> Result<Self, Refusal> {
        check_ended(&run.model, &line)?;
        let raw = line.identifiers.iter();
        let raw = raw.map(|(kind, value)| NewIdentifier { kind: *kind, value: value.clone() });
        let identifiers = prepare_for(&run.model, raw.collect())?;
        let mac = |identifier: &PreparedIdentifier| {
            let normal = &identifier.normal;
            let parts = [normal.kind().as_str().as_bytes(), normal.value().expose().as_bytes()];
            run.oubli.secrets().mac.mac("oubli/import-tie/v1", &parts)
        };
        let ties = identifiers.iter().map(mac).chain([macs.line]).collect();
        Ok(Self { n, macs, line, identifiers, ties })
    }
}

/// Refuses the end of what is no purpose under contract, as ending it by a call does: it would
/// otherwise be kept and mean nothing.
fn check_ended(model: &Model, line: &SubjectLine) -> Result<(), Refusal> {
    for (n, ended) in line.ended_purposes.iter().enumerate() {
        let place = format!("/ended_purposes/{n}/purpose");
        match model.map()?.purpose(&ended.purpose) {
            Err(refusal) => return Err(refusal.at(place, "is not declared")),
            Ok(declared) if declared.lawful_basis != LawfulBasis::Contract => {
                let refusal = Refusal::new(Code::PurposeNotContract);
                return Err(refusal.at(place, "does not rest on a contract"));
            }
            Ok(_) => {}
        }
    }
    Ok(())
}

fn refuse_future(line: &Line, now: Time) -> Result<(), Refusal> {
    let times = match line {
        Line::Subject(line) => {
            let ended = line.ended_purposes.iter().enumerate();
            let ended = ended
                .map(|(n, ended)| (format!("/ended_purposes/{n}/ended_at"), Some(ended.ended_at)));
            let created = ("/created_at".to_owned(), line.created_at);
            let contact = ("/last_contact".to_owned(), line.last_contact);
            [created, contact].into_iter().chain(ended).collect()
        }
        Line::Record(line) => vec![("/created_at".to_owned(), line.created_at)],
        Line::Consent(line) => vec![("/occurred_at".to_owned(), Some(line.occurred_at))],
        Line::Begin | Line::End(_) => vec![],
    };
    let mut refusal = Refusal::new(Code::FutureTime);
    for (place, time) in times {
        if time.is_some_and(|time| time > now) {
            refusal = refusal.at(place, "lies in the future");
        }
    }
    if refusal.errors.is_empty() { Ok(()) } else { Err(refusal) }
}

/// Parts lines into groups that are applied one after another: within a group no two lines share a
/// tie, and lines that do keep their order.
pub(super) fn waves<T>(mut items: Vec<T>, ties: impl Fn(&T) -> Vec<[u8; 32]>) -> Vec<Vec<T>> {
    let mut waves = Vec::new();
    while !items.is_empty() {
        let mut taken = HashSet::new();
        let (now, later) = items.into_iter().partition(|item| {
            let ties = ties(item);
            let free = ties.iter().all(|tie| !taken.contains(tie));
            taken.extend(ties);
            free
        });
        waves.push(now);
        items = later;
    }
    waves
}

/// The lines of these that were imported before.
pub(super) async fn known(
    oubli: &Oubli,
    run: &Run<'_>,
    lines: impl Iterator<Item = &Macs>,
) -> Result<HashMap<[u8; 32], ImportedLine>> {
    let lines: Vec<[u8; 32]> = lines.map(|macs| macs.line).collect();
    let mut conn = oubli.data().conn().await?;
    Ok(imported_lines::find_many(&mut conn, &run.call.caller.app, &lines).await?)
}

/// What a line that has an earlier one's id comes to: nothing, or a refusal when it says otherwise.
pub(super) fn again(macs: &Macs, earlier: &ImportedLine) -> LineResult {
    if earlier.content == macs.content { LineResult::Unchanged } else { reused() }
}

/// The refusal of a line whose id stands for something else.
pub(super) fn reused() -> LineResult {
    LineResult::from(&Refusal::new(Code::LineReused).at("/id", "was used for another line"))
}
