//! One unambiguous way to make bytes of several parts, for associated data and MAC inputs.

use zeroize::Zeroizing;

/// A label and parts, each behind its length as 8 bytes big-endian. Without lengths `("ab", "c")`
/// and `("a", "bc")` would be the same bytes, and a ciphertext could move between them.
/// Parts may be personal data (an e-mail address to be indexed), so the bytes are overwritten on
/// drop.
pub(crate) struct Frame(Zeroizing<Vec<u8>>);

impl Frame {
    /// Starts with the label that says what the bytes are for.
    pub(crate) fn new(label: &str) -> Self {
        Self(Zeroizing::new(Vec::with_capacity(256))).part(label.as_bytes())
    }

    /// Appends a part.
    pub(crate) fn part(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(&(part.len() as u64).to_be_bytes());
        self.0.extend_from_slice(part);
        self
    }

    /// The framed bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Frame;

    #[test]
    fn a_part_cannot_move_into_its_neighbour() {
        let one = Frame::new("l").part(b"ab").part(b"c");
        let other = Frame::new("l").part(b"a").part(b"bc");
        assert_ne!(one.as_bytes(), other.as_bytes());
        assert_eq!(
            Frame::new("l").part(b"x").as_bytes(),
            b"\0\0\0\0\0\0\0\x01l\0\0\0\0\0\0\0\x01x"
        );
    }
}
