//! Cutting the bytes of an import into lines.

use zeroize::Zeroizing;

use super::MAX_LINE;

/// A line's bytes without its line feed; none for one that is longer than [`MAX_LINE`].
pub type LineBytes = Option<Zeroizing<Vec<u8>>>;

/// Cuts a stream of bytes into lines, in whatever pieces it comes. It never holds more than one line
/// of the longest allowed length: the bytes of one that is too long are dropped as they come.
#[derive(Debug, Default)]
pub struct Splitter {
    begun: Option<Begun>,
}

/// A line whose end has not come yet.
struct Begun {
    text: LineBytes,
}

impl Splitter {
    /// Takes in bytes up to the first line feed, or all of them. Gives how many it took, and the
    /// line if that ended it.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<LineBytes>) {
        if bytes.is_empty() {
            return (0, None);
        }
        let feed = bytes.iter().position(|byte| *byte == b'\n');
        let line = self.begun.get_or_insert_with(|| Begun { text: Some(Zeroizing::default()) });
        line.add(&bytes[..feed.unwrap_or(bytes.len())]);
        match feed {
            Some(feed) => (feed + 1, self.finish()),
            None => (bytes.len(), None),
        }
    }

    /// The last line, where the stream ends without a line feed.
    pub fn finish(&mut self) -> Option<LineBytes> {
        self.begun.take().map(|line| line.text)
    }
}

impl Begun {
    fn add(&mut self, content: &[u8]) {
        self.text = self.text.take().filter(|text| text.len() + content.len() <= MAX_LINE);
        if let Some(text) = &mut self.text {
            text.extend_from_slice(content);
        }
    }
}

/// A line is personal data.
impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Begun(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{LineBytes, MAX_LINE, Splitter};

    /// The lines of a stream that comes in pieces of `size` bytes.
    fn lines(bytes: &[u8], size: usize) -> Vec<LineBytes> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for mut piece in bytes.chunks(size) {
            while !piece.is_empty() {
                let (taken, line) = splitter.take(piece);
                lines.extend(line);
                piece = &piece[taken..];
            }
        }
        lines.extend(splitter.finish());
        lines
    }

    #[test]
    fn a_line_may_have_a_mebibyte_in_whatever_pieces() {
        let text = ["x".repeat(MAX_LINE), "x".repeat(MAX_LINE + 1), "last".to_owned()].join("\n");
        for size in [7, 64 * 1024, MAX_LINE + 1, text.len()] {
            let lengths: Vec<_> =
                lines(text.as_bytes(), size).iter().map(|l| l.as_ref().map(|l| l.len())).collect();
            assert_eq!(lengths, [Some(MAX_LINE), None, Some(4)], "{size}");
        }
    }

    #[test]
    fn nothing_is_no_line_and_a_line_feed_is_an_empty_one() {
        let mut splitter = Splitter::default();
        assert_eq!(splitter.take(b""), (0, None));
        assert_eq!(splitter.finish(), None);
        assert_eq!(splitter.take(b"\nab"), (1, Some(Some(Vec::new().into()))));
        assert_eq!(splitter.take(b"ab"), (2, None));
        assert!(!format!("{splitter:?}").contains("97"));
        assert_eq!(splitter.finish(), Some(Some(b"ab".to_vec().into())));
        assert_eq!(splitter.finish(), None);
    }

    proptest! {
        #[test]
        fn the_pieces_make_no_difference(text in "[ab\n]{0,40}", size in 1usize..12) {
            let whole: Vec<_> = text.split_inclusive('\n').map(|l| l.trim_end_matches('\n')).collect();
            let found = lines(text.as_bytes(), size);
            let found: Vec<_> = found.iter().map(|l| l.as_ref().map(|l| l.as_slice())).collect();
            prop_assert_eq!(found, whole.iter().map(|l| Some(l.as_bytes())).collect::<Vec<_>>());
        }
    }
}
