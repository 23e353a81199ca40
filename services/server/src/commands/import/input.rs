//! The input of an import, line by line: never more of it in memory than one line of the longest
//! allowed length.

use std::io::{self, BufRead};

use oubli_domain::import_line::{LineBytes, Splitter};
use sha2::{Digest, Sha256};

/// A line as it stands in the file.
pub(super) struct RawLine {
    /// From 1.
    pub(super) number: u64,
    /// Its bytes, unless it is too long.
    pub(super) text: LineBytes,
}

/// A file or a pipe that is read from its beginning.
pub(super) struct Input<R> {
    source: R,
    /// How many bytes were read.
    pub(super) offset: u64,
    /// How many lines were read.
    pub(super) lines: u64,
    /// Of every byte so far.
    hash: Sha256,
    /// Of every byte before the last line that was read.
    before: Sha256,
}

impl<R: BufRead> Input<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, offset: 0, lines: 0, hash: Sha256::new(), before: Sha256::new() }
    }

    /// Reads past what an earlier run took in, and gives its fingerprint.
    ///
    /// # Errors
    /// When it cannot be read, or ends before.
    pub(super) fn skip(&mut self, offset: u64, lines: u64) -> io::Result<String> {
        while self.offset < offset {
            let bytes = self.source.fill_buf()?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let left = usize::try_from(offset - self.offset).unwrap_or(usize::MAX);
            let length = bytes.len().min(left);
            self.hash.update(&bytes[..length]);
            self.consume(length);
        }
        self.lines = lines;
        Ok(self.fingerprint())
    }

    /// The next line that is not blank; none at the end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<RawLine>> {
        loop {
            self.before = self.hash.clone();
            let Some(text) = self.line()? else { return Ok(None) };
            self.lines += 1;
            let blank = text.as_ref().is_some_and(|text| text.trim_ascii().is_empty());
            if !blank {
                return Ok(Some(RawLine { number: self.lines, text }));
            }
        }
    }

    /// A line; none at the end.
    fn line(&mut self) -> io::Result<Option<LineBytes>> {
        let mut splitter = Splitter::default();
        loop {
            let bytes = self.source.fill_buf()?;
            if bytes.is_empty() {
                return Ok(splitter.finish());
            }
            let (taken, line) = splitter.take(bytes);
            self.hash.update(&bytes[..taken]);
            self.consume(taken);
            if line.is_some() {
                return Ok(line);
            }
        }
    }

    fn consume(&mut self, length: usize) {
        self.source.consume(length);
        self.offset += length as u64;
    }

    /// SHA-256 of every byte so far, as hex digits.
    pub(super) fn fingerprint(&self) -> String {
        hex(self.hash.clone())
    }

    /// SHA-256 of every byte before the last line.
    pub(super) fn before_last(&self) -> String {
        hex(self.before.clone())
    }
}

fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::io::{BufReader, Cursor};

    use oubli_domain::import_line::MAX_LINE;

    use super::Input;

    fn read(bytes: &[u8], buffer: usize) -> Vec<(u64, Option<usize>)> {
        let mut input = Input::new(BufReader::with_capacity(buffer, Cursor::new(bytes.to_vec())));
        let mut lines = Vec::new();
        while let Some(line) = input.next().unwrap() {
            lines.push((line.number, line.text.map(|text| text.len())));
        }
        assert_eq!(input.offset, bytes.len() as u64);
        lines
    }

    #[test]
    fn lines_come_with_their_numbers_and_bounds() {
        let long = |length: usize| "x".repeat(length);
        let text = format!("ab\n\n \r\nc\r\n{}\n{}\nlast", long(MAX_LINE), long(MAX_LINE + 1));
        let wanted = [(1, Some(2)), (4, Some(2)), (5, Some(MAX_LINE)), (6, None), (7, Some(4))];
        for buffer in [1, 7, 64 * 1024] {
            assert_eq!(read(text.as_bytes(), buffer), wanted);
        }
        assert_eq!(read(b"", 8), []);
    }

    #[test]
    fn what_was_read_before_is_recognised() {
        let mut first = Input::new(Cursor::new(b"one\ntwo\nthree\n"));
        first.next().unwrap();
        first.next().unwrap();
        let mut again = Input::new(Cursor::new(b"one\ntwo\nother\n"));
        assert_eq!(again.skip(first.offset, first.lines).unwrap(), first.fingerprint());
        assert_eq!(again.next().unwrap().unwrap().number, 3);
        assert_eq!(again.before_last(), first.fingerprint());
        let mut altered = Input::new(Cursor::new(b"one\ntvo\nthree\n"));
        assert_ne!(altered.skip(first.offset, 2).unwrap(), first.fingerprint());
        let mut short = Input::new(Cursor::new(b"one\n"));
        assert!(short.skip(first.offset, 2).is_err());
    }
}
