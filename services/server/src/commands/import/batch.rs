//! A batch of lines, read and parsed: bounded in number and in bytes.

use std::io::BufRead;

use anyhow::{Context as _, bail};
use oubli_app::import::{ImportLine, MAX_LINES};
use oubli_domain::import_line::{EndLine, Line, LineType, type_of};
use oubli_domain::{Code, Refusal, json};
use zeroize::Zeroizing;

use super::input::{Input, RawLine};

/// A batch is over when it holds more than this, in bytes: a line may have 1 MiB.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// A line of a batch.
pub(super) struct Entry {
    /// From 1.
    pub(super) number: u64,
    /// None for one that is too long to be held.
    pub(super) text: Option<Zeroizing<Vec<u8>>>,
    /// What it says it is.
    pub(super) kind: Option<LineType>,
    /// None once it was taken to be applied.
    pub(super) line: Option<Result<ImportLine, Refusal>>,
    /// Whether it is the first line of a whole file, in its place.
    pub(super) begins: bool,
    /// What it says if it is the last line of a whole file.
    pub(super) ends: Option<EndLine>,
    /// SHA-256 of every byte before a last line; empty for any other.
    pub(super) before: String,
}

/// Lines that are applied together, and where the input stands after them.
pub(super) struct Batch {
    pub(super) entries: Vec<Entry>,
    pub(super) offset: u64,
    pub(super) lines: u64,
    pub(super) fingerprint: String,
}

impl Batch {
    /// Reads up to [`MAX_LINES`] lines; none at the end of the input.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn read<R: BufRead>(input: &mut Input<R>) -> anyhow::Result<Self> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        while entries.len() < MAX_LINES && bytes < MAX_BYTES {
            let Some(raw) = input.next().context("the input cannot be read")? else { break };
            bytes += raw.text.as_ref().map_or(0, |text| text.len());
            let mut entry = Entry::parse(raw);
            if entry.ends.is_some() {
                entry.before = input.before_last();
            }
            entries.push(entry);
        }
        let fingerprint = input.fingerprint();
        Ok(Self { entries, offset: input.offset, lines: input.lines, fingerprint })
    }

    /// Refuses a file that holds something else, by its first batch.
    ///
    /// # Errors
    /// When no line is one of an import.
    pub(super) fn refuse_foreign(&self) -> anyhow::Result<()> {
        if self.entries.iter().any(|entry| entry.kind.is_some()) {
            return Ok(());
        }
        if self.entries.is_empty() {
            bail!("the file is empty");
        }
        let texts = || self.entries.iter().filter_map(|entry| entry.text.as_ref());
        let what = if texts().any(|text| text.contains(&0)) {
            "it is binary"
        } else if texts().any(|text| std::str::from_utf8(text).is_err()) {
            "it is not UTF-8"
        } else {
            "none of its lines is a JSON object with a `type` of the schema"
        };
        bail!(
            "this is no file of import lines: {what}. Nothing was imported. `oubli import --help` \
             says what such a file is"
        )
    }
}

impl Entry {
    fn parse(raw: RawLine) -> Self {
        let number = raw.number;
        let parsed = match &raw.text {
            None => Err(Refusal::new(Code::TooLarge).detail("A line is at most 1 MiB.")),
            Some(text) => json::parse(text).map_err(of_a_line),
        };
        let kind = parsed.as_ref().ok().and_then(|document| type_of(document).ok());
        let line = parsed.and_then(ImportLine::read);
        let (begins, ends) = match line.as_ref().map(ImportLine::line) {
            Ok(Line::Begin) => (number == 1, None),
            Ok(Line::End(end)) => (false, Some(end.clone())),
            _ => (false, None),
        };
        let before = String::new();
        Self { number, text: raw.text, kind, line: Some(line), begins, ends, before }
    }
}

/// The parser speaks of bodies of requests.
fn of_a_line(refusal: Refusal) -> Refusal {
    let detail = refusal.detail.as_deref().unwrap_or_default().replace("The body", "The line");
    Refusal { detail: Some(detail.into()), ..refusal }
}
