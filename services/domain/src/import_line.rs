//! The lines of an import: their published schema, their types, and the refusals of lines that do
//! not hold to it; and the cutting of bytes into lines. Knows neither files nor what a line does.

mod splitter;

use std::sync::LazyLock;

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Time;
use crate::consent::{Action, Gpp, Language, Signals};
use crate::data_map::violation;
use crate::identifier::IdentifierType;
use crate::ids::{Name, RecordId};
use crate::pii::Pii;
use crate::problem::{Code, Refusal};
use crate::wire::wire_enum;

pub use splitter::{LineBytes, Splitter};

/// The JSON Schema (draft 2020-12) that every line is checked against.
pub const SCHEMA: &str = include_str!("../schemas/import-line.schema.json");

/// What the first line of a whole file names.
pub const FORMAT: &str = "oubli-import/1";

/// The longest line, in bytes without its line feed.
pub const MAX_LINE: usize = 1024 * 1024;

wire_enum! {
    /// What a line is.
    LineType, "type of line" {
        /// The first line of a file that says how it ends.
        Begin = "begin",
        /// A person.
        Subject = "subject",
        /// A record of a person.
        Record = "record",
        /// A consent event of a person.
        Consent = "consent",
        /// The last line of a file that has a first one.
        End = "end",
    }
}

/// A line that holds to the schema. Its times are not compared with the clock yet.
#[derive(Clone, PartialEq, Debug)]
pub enum Line {
    /// The first line of a whole file.
    Begin,
    /// A person.
    Subject(SubjectLine),
    /// A record.
    Record(RecordLine),
    /// A consent event.
    Consent(ConsentLine),
    /// The last line of a whole file.
    End(EndLine),
}

/// A person.
#[derive(Clone, PartialEq, Debug)]
pub struct SubjectLine {
    /// The caller's id.
    pub id: Pii<String>,
    /// What finds the person; may be none.
    pub identifiers: Vec<(IdentifierType, Pii<String>)>,
    /// When the app first knew the person.
    pub created_at: Option<Time>,
    /// When the person last made contact.
    pub last_contact: Option<Time>,
    /// The purposes under contract that are over for the person.
    pub ended_purposes: Vec<EndedPurpose>,
}

/// A purpose that was ended for a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndedPurpose {
    /// Which.
    pub purpose: Name,
    /// Since when.
    pub ended_at: Time,
}

/// Whom a line is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Whose {
    /// The subject of the line with this id, or with this id of the service.
    Subject(Pii<String>),
    /// The subject that this identifier finds.
    Identifier(IdentifierType, Pii<String>),
}

/// A record.
#[derive(Clone, PartialEq, Debug)]
pub struct RecordLine {
    /// The caller's id.
    pub id: Pii<String>,
    /// Whose.
    pub whose: Whose,
    /// Its category.
    pub category: Name,
    /// Its id within subject and category.
    pub record: RecordId,
    /// Its body: an object.
    pub body: Body,
    /// When it was made.
    pub created_at: Option<Time>,
}

/// The body of a record, which cannot be printed.
#[derive(Clone, PartialEq)]
pub struct Body(pub Value);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body(redacted)")
    }
}

/// A consent event.
#[derive(Clone, PartialEq, Debug)]
pub struct ConsentLine {
    /// The caller's id.
    pub id: Pii<String>,
    /// Whose.
    pub whose: Whose,
    /// The purpose it is about.
    pub purpose: Name,
    /// What the person did.
    pub action: Action,
    /// The notice that was shown; the purpose's own unless it is named.
    pub notice: Option<Name>,
    /// The version of the notice that was shown.
    pub notice_version: Option<u32>,
    /// Its language.
    pub language: Option<Language>,
    /// When the person did it.
    pub occurred_at: Time,
    /// What a browser or a consent platform said then.
    pub signals: Signals,
}

/// What a whole file must have been.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct EndLine {
    /// How many lines stand between the first and the last.
    pub lines: u64,
    /// SHA-256 of every byte before the last line, as lower-case hex digits.
    pub sha256: String,
}

#[derive(Deserialize)]
struct RawIdentifier {
    #[serde(rename = "type")]
    kind: IdentifierType,
    value: String,
}

#[derive(Deserialize)]
struct RawSubject {
    id: String,
    identifiers: Vec<RawIdentifier>,
    created_at: Option<String>,
    last_contact: Option<String>,
    #[serde(default)]
    ended_purposes: Vec<RawEnded>,
}

#[derive(Deserialize)]
struct RawEnded {
    purpose: Name,
    ended_at: String,
}

#[derive(Deserialize)]
struct RawRecord {
    id: String,
    subject: Option<String>,
    identifier: Option<RawIdentifier>,
    category: Name,
    record: RecordId,
    body: Value,
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct RawConsent {
    id: String,
    subject: Option<String>,
    identifier: Option<RawIdentifier>,
    purpose: Name,
    action: Action,
    notice: Option<Name>,
    notice_version: Option<u32>,
    language: Option<Language>,
    occurred_at: String,
    signals: Option<RawSignals>,
}

#[derive(Deserialize)]
struct RawSignals {
    gpc: Option<bool>,
    gpp: Option<String>,
}

impl Line {
    /// Reads a line.
    ///
    /// # Errors
    /// `invalid-body` with the places that do not hold to the schema; `invalid-time` with the place
    /// of a time that is none or not between 1970 and 2100.
    pub fn parse(document: Value) -> Result<Self, Refusal> {
        let kind = type_of(&document)?;
        let validator = VALIDATORS.as_ref().ok_or(Code::Internal)?;
        let validator = &validator[kind as usize];
        violation::refuse(Code::InvalidBody, validator.iter_errors(&document), known)?;
        match kind {
            LineType::Begin => Ok(Self::Begin),
            LineType::End => raw(document).map(Self::End),
            LineType::Subject => raw::<RawSubject>(document)?.read().map(Self::Subject),
            LineType::Record => raw::<RawRecord>(document)?.read().map(Self::Record),
            LineType::Consent => raw::<RawConsent>(document)?.read().map(Self::Consent),
        }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> LineType {
        match self {
            Self::Begin => LineType::Begin,
            Self::Subject(_) => LineType::Subject,
            Self::Record(_) => LineType::Record,
            Self::Consent(_) => LineType::Consent,
            Self::End(_) => LineType::End,
        }
    }

    /// The caller's id; none for the first and the last line of a file.
    #[must_use]
    pub fn id(&self) -> Option<&Pii<String>> {
        match self {
            Self::Subject(line) => Some(&line.id),
            Self::Record(line) => Some(&line.id),
            Self::Consent(line) => Some(&line.id),
            Self::Begin | Self::End(_) => None,
        }
    }
}

/// Which type a document says it has.
///
/// # Errors
/// `invalid-body` when it is no object or names no type of line.
pub fn type_of(document: &Value) -> Result<LineType, Refusal> {
    let Value::Object(members) = document else {
        return Err(Refusal::new(Code::InvalidBody).at("", "must be an object"));
    };
    let kind = members.get("type").and_then(Value::as_str).and_then(|kind| kind.parse().ok());
    kind.ok_or_else(|| {
        let wanted = "must be one of begin, subject, record, consent and end";
        Refusal::new(Code::InvalidBody).at("/type", wanted)
    })
}

impl RawSubject {
    fn read(self) -> Result<SubjectLine, Refusal> {
        let identifiers = self.identifiers.into_iter();
        let ended = self.ended_purposes.into_iter().enumerate().map(|(n, ended)| {
            let ended_at = time(&ended.ended_at, format!("/ended_purposes/{n}/ended_at"))?;
            Ok(EndedPurpose { purpose: ended.purpose, ended_at })
        });
        Ok(SubjectLine {
            id: Pii::new(self.id),
            identifiers: identifiers.map(|i| (i.kind, Pii::new(i.value))).collect(),
            created_at: optional_time(self.created_at.as_deref(), "/created_at")?,
            last_contact: optional_time(self.last_contact.as_deref(), "/last_contact")?,
            ended_purposes: ended.collect::<Result<_, Refusal>>()?,
        })
    }
}

impl RawRecord {
    fn read(self) -> Result<RecordLine, Refusal> {
        Ok(RecordLine {
            id: Pii::new(self.id),
            whose: whose(self.subject, self.identifier)?,
            category: self.category,
            record: self.record,
            body: Body(self.body),
            created_at: optional_time(self.created_at.as_deref(), "/created_at")?,
        })
    }
}

impl RawConsent {
    fn read(self) -> Result<ConsentLine, Refusal> {
        Ok(ConsentLine {
            id: Pii::new(self.id),
            whose: whose(self.subject, self.identifier)?,
            purpose: self.purpose,
            action: self.action,
            notice: self.notice,
            notice_version: self.notice_version,
            language: self.language,
            occurred_at: time(&self.occurred_at, "/occurred_at")?,
            signals: self.signals.map(RawSignals::read).transpose()?.unwrap_or_default(),
        })
    }
}

impl RawSignals {
    fn read(self) -> Result<Signals, Refusal> {
        let rule = "must be a GPP string of 4,096 bytes at most";
        let gpp = self.gpp.map(Gpp::new).transpose().map_err(|r| r.at("/signals/gpp", rule))?;
        Ok(Signals { gpc: self.gpc, gpp })
    }
}

fn raw<T: serde::de::DeserializeOwned>(document: Value) -> Result<T, Refusal> {
    serde_json::from_value(document)
        .map_err(|_| Refusal::new(Code::InvalidBody).at("", "does not fit its schema"))
}

fn whose(subject: Option<String>, identifier: Option<RawIdentifier>) -> Result<Whose, Refusal> {
    match (subject, identifier) {
        (Some(id), None) => Ok(Whose::Subject(Pii::new(id))),
        (None, Some(i)) => Ok(Whose::Identifier(i.kind, Pii::new(i.value))),
        _ => {
            Err(Refusal::new(Code::InvalidBody).at("", "needs `subject` or `identifier`, not both"))
        }
    }
}

fn optional_time(text: Option<&str>, place: &'static str) -> Result<Option<Time>, Refusal> {
    text.map(|text| time(text, place)).transpose()
}

fn time(text: &str, place: impl Into<String>) -> Result<Time, Refusal> {
    Time::parse(text)
        .map_err(|refusal| refusal.at(place, "must be an RFC 3339 time between 1970 and 2100"))
}

/// How much of a place in a line may be named: what the schema itself names.
fn known(path: &[String]) -> usize {
    let members = ["id", "identifiers", "identifier", "type", "value", "created_at"];
    let others = ["last_contact", "subject", "category", "record", "body", "purpose", "action"];
    let last = ["notice_version", "language", "occurred_at", "format", "app", "lines", "sha256"];
    let more = ["ended_purposes", "ended_at", "notice", "signals", "gpc", "gpp"];
    let nameable = |part: &String| {
        let part = part.as_str();
        members.contains(&part)
            || others.contains(&part)
            || last.contains(&part)
            || more.contains(&part)
            || part.bytes().all(|b| b.is_ascii_digit())
    };
    path.iter().position(|part| !nameable(part)).unwrap_or(path.len())
}

/// One for each type of line, so that a refusal names the member that is wrong. Absent only if the
/// published schema itself were wrong, which a test excludes.
static VALIDATORS: LazyLock<Option<Vec<Validator>>> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).ok()?;
    let of = |kind: &LineType| {
        let schema = json!({ "$ref": format!("#/$defs/{kind}"), "$defs": schema["$defs"] });
        jsonschema::draft202012::options().offline().build(&schema).ok()
    };
    LineType::ALL.iter().map(of).collect()
});

#[cfg(test)]
mod tests;
