//! Events as CSV (RFC 4180). No cell can begin what a spreadsheet takes for a formula: none begins
//! with anything but a letter, a digit or a brace.

use oubli_app::Result;
use oubli_app::events::FoundEvent;
use oubli_domain::Code;
use serde_json::Value;

/// The columns. `leaf` is the whole of the event as it was hashed, RFC 8785 JSON.
const HEADER: [&str; 8] =
    ["event", "at", "type", "actor", "subject_ref", "reasons", "leaf", "payload"];

/// The header row.
pub(super) fn header() -> Result<Vec<u8>> {
    write([HEADER.map(str::to_owned)])
}

/// A row for each event.
pub(super) fn rows(page: Vec<FoundEvent>) -> Result<Vec<u8>> {
    write(page.into_iter().map(row))
}

fn row(found: FoundEvent) -> [String; 8] {
    let FoundEvent { event, leaf, payload } = found;
    let text = |name: &str| leaf[name].as_str().unwrap_or_default().to_owned();
    let reasons = leaf["reasons"].as_array().into_iter().flatten().filter_map(Value::as_str);
    [
        event.to_string(),
        text("at"),
        text("type"),
        text("actor"),
        text("subject_ref"),
        reasons.collect::<Vec<_>>().join("; "),
        oubli_domain::json::canonical(&leaf),
        payload.map(|payload| payload.to_string()).unwrap_or_default(),
    ]
}

fn write(rows: impl IntoIterator<Item = [String; 8]>) -> Result<Vec<u8>> {
    let mut written =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    for row in rows {
        written.write_record(row).map_err(|_| Code::Internal)?;
    }
    Ok(written.into_inner().map_err(|_| Code::Internal)?)
}
