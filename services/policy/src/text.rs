//! Which texts of plugins may reach people's screens.

/// Whether a text has neither control characters (line breaks, ANSI escapes) nor characters that
/// change the direction or the lines of the text around them (Unicode Standard Annex 9, section 2).
pub(crate) fn is_plain(text: &str) -> bool {
    !text.chars().any(|c| {
        c.is_control()
            || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}' | '\u{feff}')
    })
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn escapes_breaks_and_direction_marks_are_not_plain() {
        assert!(is_plain("Code général, § 147 — 保存期間 🗂"));
        for wrong in
            ["\u{1b}[31m", "a\nb", "\u{7f}", "\u{9b}1m", "\0", "\u{202e}", "\u{2067}", "\u{2028}"]
        {
            assert!(!is_plain(wrong), "{wrong:?}");
        }
    }
}
