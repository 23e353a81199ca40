//! A notice as Markdown, of the dialect `CommonMark`.

use super::PrivacyNotice;

/// The notice as Markdown. What the app wrote stands as text: it makes no markup and no HTML.
#[must_use]
pub fn markdown(notice: &PrivacyNotice) -> String {
    let mut lines = vec![format!("# {}", escape(&notice.title))];
    for section in &notice.sections {
        lines.extend([String::new(), format!("## {}", escape(&section.heading))]);
        for paragraph in &section.paragraphs {
            lines.extend([String::new(), escape(paragraph)]);
        }
        if !section.items.is_empty() {
            lines.push(String::new());
        }
        lines.extend(section.items.iter().map(|item| format!("- {}", escape(item))));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// On one line, with a backslash before what could be markup (`CommonMark` 0.31, section 2.4).
fn escape(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::with_capacity(line.len());
    for (n, c) in line.char_indices() {
        let starts_block = n == 0 && matches!(c, '-' | '+' | '=' | '~' | '.');
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '!' | '&' | '|' | '~')
            || starts_block
        {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}
