//! Files of import lines: however the bytes come in, the lines are the same; what is read from a line
//! and written again is read as the same; what is read fits the published schema; and no refusal
//! repeats what stands in the line. The first byte says in which pieces the others come.
#![no_main]

use std::sync::LazyLock;

use jsonschema::Validator;
use libfuzzer_sys::fuzz_target;
use oubli_domain::import_line::{
    ConsentLine, FORMAT, Line, LineBytes, MAX_LINE, RecordLine, SCHEMA, Splitter, SubjectLine,
    Whose,
};
use oubli_domain::{IdentifierType, Pii, json};
use serde_json::{Value, json};

/// Stands in seeds as a person's value, and must not come back in a refusal.
const PERSONAL: &str = "lovelace-1815";

static PUBLISHED: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(SCHEMA).expect("JSON");
    jsonschema::draft202012::options().offline().build(&schema).expect("a schema")
});

fuzz_target!(|input: &[u8]| {
    let Some((size, file)) = input.split_first() else { return };
    let lines = split(file.chunks(usize::from(*size).max(1)));
    // A line feed ends a line: after the last one none begins.
    let whole = file.split_inclusive(|byte| *byte == b'\n');
    let whole = whole.map(|line| Some(line.strip_suffix(b"\n").unwrap_or(line)));
    assert!(whole.eq(lines.iter().map(|line| line.as_ref().map(|line| line.as_slice()))));
    if *size == u8::MAX {
        a_line_beyond_the_bound_is_dropped(file);
    }
    for line in lines.iter().flatten() {
        what_is_read_and_written_is_read_as_the_same(line);
    }
});

fn split<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<LineBytes> {
    let mut splitter = Splitter::default();
    let mut lines = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            let (taken, line) = splitter.take(piece);
            lines.extend(line);
            piece = &piece[taken..];
        }
    }
    lines.extend(splitter.finish());
    lines
}

/// The file behind a line that is almost as long as one may be.
fn a_line_beyond_the_bound_is_dropped(file: &[u8]) {
    let long = vec![b'x'; MAX_LINE - 16];
    let lines = split([&long[..], file].into_iter());
    let first = long.len() + file.iter().take_while(|byte| **byte != b'\n').count();
    let found = lines.first().and_then(Option::as_ref).map(|line| line.len());
    assert_eq!(found, Some(first).filter(|length| *length <= MAX_LINE));
}

fn what_is_read_and_written_is_read_as_the_same(bytes: &[u8]) {
    let Ok(document) = json::parse(bytes) else { return };
    assert_eq!(json::parse(document.to_string().as_bytes()).as_ref(), Ok(&document));
    match Line::parse(document.clone()) {
        Ok(line) => {
            assert!(PUBLISHED.is_valid(&document));
            assert!(says_in_clear(&line, PERSONAL) || !format!("{line:?}").contains(PERSONAL));
            assert_eq!(Line::parse(written(&line)), Ok(line));
        }
        Err(refusal) => assert!(!format!("{refusal:?}").contains(PERSONAL)),
    }
}

/// Whether a text stands in what is not personal: names of the data map, and ids of records.
fn says_in_clear(line: &Line, text: &str) -> bool {
    match line {
        Line::Begin | Line::End(_) => false,
        Line::Subject(line) => line.ended_purposes.iter().any(|e| e.purpose.as_str().contains(text)),
        Line::Record(line) => {
            line.category.as_str().contains(text) || line.record.as_str().contains(text)
        }
        Line::Consent(line) => [Some(&line.purpose), line.notice.as_ref()]
            .into_iter()
            .flatten()
            .any(|name| name.as_str().contains(text)),
    }
}

/// A line as an export writes it: what is absent is left out.
fn written(line: &Line) -> Value {
    let mut document = match line {
        Line::Begin => json!({ "type": "begin", "format": FORMAT }),
        Line::Subject(line) => subject(line),
        Line::Record(line) => record(line),
        Line::Consent(line) => consent(line),
        Line::End(line) => json!({ "type": "end", "lines": line.lines, "sha256": line.sha256 }),
    };
    if let Some(members) = document.as_object_mut() {
        members.retain(|_, value| !value.is_null());
    }
    document
}

fn subject(line: &SubjectLine) -> Value {
    let identifiers: Vec<_> = line.identifiers.iter().map(identifier).collect();
    let ended = line.ended_purposes.iter();
    let ended: Vec<_> =
        ended.map(|e| json!({ "purpose": e.purpose, "ended_at": e.ended_at })).collect();
    json!({
        "type": "subject", "id": line.id.expose(), "identifiers": identifiers,
        "created_at": line.created_at, "last_contact": line.last_contact, "ended_purposes": ended,
    })
}

fn record(line: &RecordLine) -> Value {
    let (name, whose) = whose(&line.whose);
    json!({
        "type": "record", "id": line.id.expose(), name: whose, "category": line.category,
        "record": line.record, "body": line.body.0, "created_at": line.created_at,
    })
}

fn consent(line: &ConsentLine) -> Value {
    let (name, whose) = whose(&line.whose);
    let mut signals = json!({});
    if let Some(gpc) = line.signals.gpc {
        signals["gpc"] = gpc.into();
    }
    if let Some(gpp) = &line.signals.gpp {
        signals["gpp"] = gpp.expose().into();
    }
    json!({
        "type": "consent", "id": line.id.expose(), name: whose, "purpose": line.purpose,
        "action": line.action, "notice": line.notice, "notice_version": line.notice_version,
        "language": line.language, "occurred_at": line.occurred_at, "signals": signals,
    })
}

fn whose(whose: &Whose) -> (&'static str, Value) {
    match whose {
        Whose::Subject(id) => ("subject", id.expose().as_str().into()),
        Whose::Identifier(kind, value) => ("identifier", identifier(&(*kind, value.clone()))),
    }
}

fn identifier((kind, value): &(IdentifierType, Pii<String>)) -> Value {
    json!({ "type": kind, "value": value.expose() })
}
