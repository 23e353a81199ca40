//! Searching the raw files of both databases for bytes, as somebody would who stole the disk.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use oubli_app::inspect::Trace;

/// A trace is also looked for in pieces of this many bytes, so that one that was overwritten in
/// part counts as found.
const PIECE: usize = 16;

/// How much of the beginning of a trace must be there for it to count as stored: a long one goes on
/// in other pages of its file.
const BEGIN: usize = 48;

/// Every file of a folder, with its bytes.
#[derive(Debug)]
pub(super) struct Files(Vec<(String, Vec<u8>)>);

/// Where a trace was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) offset: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.file, self.offset)
    }
}

impl Files {
    /// Reads all files of the folder of both databases: write-ahead logs and all.
    ///
    /// # Errors
    /// When one cannot be read.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let bytes = std::fs::read(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                files.push((name, bytes));
            }
        }
        files.sort();
        Ok(Self(files))
    }

    /// Names and sizes, in a line for each file.
    pub(super) fn list(&self) -> Vec<String> {
        self.0.iter().map(|(name, bytes)| format!("{:>9} bytes  {name}", bytes.len())).collect()
    }

    /// For each trace the first place where it begins.
    pub(super) fn begins(&self, traces: &[Trace]) -> Vec<Option<Place>> {
        self.places(traces, |bytes| vec![&bytes[..bytes.len().min(BEGIN)]])
    }

    /// For each trace the first place where a piece of it stands.
    pub(super) fn pieces(&self, traces: &[Trace]) -> Vec<Option<Place>> {
        self.places(traces, pieces)
    }

    fn places(&self, traces: &[Trace], cut: fn(&[u8]) -> Vec<&[u8]>) -> Vec<Option<Place>> {
        let mut needles = Needles::new();
        for (owner, trace) in traces.iter().enumerate() {
            for needle in cut(&trace.bytes) {
                needles.add(owner, needle);
            }
        }
        let mut found = vec![None; traces.len()];
        for (file, bytes) in &self.0 {
            for (owner, offset) in needles.hits(bytes) {
                found[owner].get_or_insert_with(|| Place { file: file.clone(), offset });
            }
        }
        found
    }
}

/// The pieces of a trace; one that is shorter than a piece is looked for whole.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces: Vec<&[u8]> = bytes.chunks_exact(PIECE).collect();
    pieces.push(&bytes[bytes.len().saturating_sub(PIECE)..]);
    pieces
}

/// What is looked for, by its first two bytes: one pass over a file finds all.
struct Needles<'a>(Vec<Vec<(usize, &'a [u8])>>);

impl<'a> Needles<'a> {
    fn new() -> Self {
        Self(vec![Vec::new(); 1 << 16])
    }

    fn add(&mut self, owner: usize, needle: &'a [u8]) {
        if let [first, second, ..] = *needle {
            self.0[usize::from(u16::from_be_bytes([first, second]))].push((owner, needle));
        }
    }

    /// Whose needle stands where.
    fn hits(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut hits = Vec::new();
        for (at, pair) in bytes.windows(2).enumerate() {
            let begun = &self.0[usize::from(pair[0]) << 8 | usize::from(pair[1])];
            if !begun.is_empty() {
                let here = begun.iter().filter(|(_, needle)| bytes[at..].starts_with(needle));
                hits.extend(here.map(|(owner, _)| (*owner, at)));
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use oubli_app::inspect::Trace;

    use super::{BEGIN, Files, Place};

    fn trace(bytes: &[u8]) -> Trace {
        Trace { what: "a test".to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn traces_are_found_by_their_beginning_and_in_pieces() {
        let secret: Vec<u8> = (100..150).collect();
        assert!(secret.len() > BEGIN);
        let mut whole = vec![0; 33];
        whole.extend(&secret);
        let files = Files(vec![("a".into(), vec![1; 99]), ("b".into(), whole.clone())]);
        let at = |offset| Some(Place { file: "b".into(), offset });
        let traces = [trace(&secret), trace(b"nowhere at all")];
        assert_eq!(files.begins(&traces), [at(33), None]);
        assert_eq!(files.pieces(&traces), [at(33), None]);

        // All but the last sixteen bytes are overwritten.
        whole[..33 + 34].fill(0);
        let files = Files(vec![("b".into(), whole.clone())]);
        assert_eq!(files.begins(&traces), [None, None]);
        assert_eq!(files.pieces(&traces), [at(33 + 34), None]);

        whole.truncate(33 + 49);
        let files = Files(vec![("b".into(), whole)]);
        assert_eq!(files.pieces(&traces), [None, None]);
        assert_eq!(files.list(), ["       82 bytes  b"]);
    }
}
