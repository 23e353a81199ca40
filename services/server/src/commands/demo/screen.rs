//! What the demo prints: 80 columns, colours on a terminal alone, plain ASCII everywhere else.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;

/// How wide lines are made.
const WIDTH: usize = 80;
/// How far everything below a heading stands in.
const INDENT: usize = 3;
/// The longest text that an answer is shown with, in characters.
const LONGEST_TEXT: usize = 64;
/// The most items that a list is shown with.
const MOST_ITEMS: usize = 2;

/// Standard output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    terminal: bool,
}

/// The looks of a text, as ANSI codes.
#[derive(Clone, Copy)]
enum Look {
    Bold = 1,
    Dim = 2,
    Red = 31,
    Green = 32,
    Cyan = 36,
}

impl Screen {
    pub(super) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { terminal: wanted && std::io::stdout().is_terminal() }
    }

    fn painted(self, look: Look, text: &str) -> String {
        if self.terminal { format!("\x1b[{}m{text}\x1b[0m", look as u8) } else { text.to_owned() }
    }

    fn indented(self, look: Option<Look>, text: &str) {
        let text = look.map_or_else(|| text.to_owned(), |look| self.painted(look, text));
        print(format!("{:INDENT$}{text}", "").trim_end());
    }

    /// A line without anything.
    pub(super) fn blank(self) {
        self.indented(None, "");
    }

    /// Begins a chapter.
    pub(super) fn heading(self, title: &str) {
        self.blank();
        print(&self.painted(Look::Dim, &"-".repeat(WIDTH)));
        print(&self.painted(Look::Bold, title));
        self.blank();
    }

    /// A paragraph.
    pub(super) fn say(self, text: &str) {
        for line in wrapped(text, WIDTH - INDENT) {
            self.indented(None, &line);
        }
    }

    /// What a person would type into a shell.
    pub(super) fn command(self, lines: &[String]) {
        self.blank();
        for (n, line) in lines.iter().enumerate() {
            let prompt = if n == 0 { "$ " } else { "  " };
            self.indented(Some(Look::Cyan), &format!("{prompt}{line}"));
        }
    }

    /// What came back.
    pub(super) fn answer(self, head: &str, body: &Value) {
        let look = if head.starts_with('2') { Look::Green } else { Look::Red };
        self.indented(Some(look), head);
        if !body.is_null() {
            self.json(body);
        }
    }

    /// JSON in short.
    pub(super) fn json(self, value: &Value) {
        let text = pretty(&self.shortened(value), WIDTH - INDENT);
        self.lines(text.lines());
    }

    /// Lines of a table or a file, as they are.
    pub(super) fn lines<'a>(self, lines: impl IntoIterator<Item = &'a str>) {
        for line in lines {
            self.indented(Some(Look::Dim), line);
        }
    }

    /// Whether something held.
    pub(super) fn mark(self, held: bool, text: &str) {
        let (sign, look) = match (held, self.terminal) {
            (true, true) => ("\u{2713}", Look::Green),
            (true, false) => ("[ok]", Look::Green),
            (false, true) => ("\u{2717}", Look::Red),
            (false, false) => ("[FAILED]", Look::Red),
        };
        let room = WIDTH - INDENT - sign.chars().count() - 1;
        for (n, line) in wrapped(text, room).iter().enumerate() {
            let sign = if n == 0 { sign.to_owned() } else { " ".repeat(sign.chars().count()) };
            self.indented(None, &format!("{} {line}", self.painted(look, &sign)));
        }
    }

    /// An answer with its long texts and lists cut: it is to be read by a person.
    fn shortened(self, value: &Value) -> Value {
        let dots = if self.terminal { "\u{2026}" } else { "..." };
        match value {
            Value::String(text) if text.chars().count() > LONGEST_TEXT => {
                let begin: String = text.chars().take(LONGEST_TEXT - 20).collect();
                Value::String(format!("{begin}{dots}"))
            }
            Value::Array(items) => {
                let mut shown: Vec<_> =
                    items.iter().take(MOST_ITEMS).map(|item| self.shortened(item)).collect();
                if items.len() > MOST_ITEMS {
                    shown.push(format!("{dots} {} more", items.len() - MOST_ITEMS).into());
                }
                Value::Array(shown)
            }
            Value::Object(members) => {
                members.iter().map(|(name, value)| (name.clone(), self.shortened(value))).collect()
            }
            other => other.clone(),
        }
    }
}

fn print(line: &str) {
    // A reader that goes away (`| head`) is no error.
    drop(writeln!(std::io::stdout(), "{line}"));
}

/// Breaks a text into lines of at most `width` characters, at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let used = lines[last].chars().count();
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            lines[last].push_str(if used > 0 { " " } else { "" });
            lines[last].push_str(word);
        }
    }
    lines
}

/// JSON with as much on a line as fits into `width` characters.
pub(super) fn pretty(value: &Value, width: usize) -> String {
    let mut text = String::new();
    write(&mut text, value, 0, width);
    text
}

fn write(text: &mut String, value: &Value, indent: usize, width: usize) {
    let begun = text.rsplit('\n').next().map_or(0, |line| line.chars().count());
    let flat = flat(value);
    // One more for the comma that may follow.
    if begun + flat.chars().count() < width {
        text.push_str(&flat);
        return;
    }
    let pad = " ".repeat(indent + 2);
    match value {
        Value::Object(members) => {
            text.push_str("{\n");
            for (n, (name, value)) in members.iter().enumerate() {
                text.extend([&*pad, &Value::from(name.as_str()).to_string(), ": "]);
                write(text, value, indent + 2, width);
                text.push_str(if n + 1 < members.len() { ",\n" } else { "\n" });
            }
            text.extend([&pad[2..], "}"]);
        }
        Value::Array(items) => {
            text.push_str("[\n");
            for (n, item) in items.iter().enumerate() {
                text.push_str(&pad);
                write(text, item, indent + 2, width);
                text.push_str(if n + 1 < items.len() { ",\n" } else { "\n" });
            }
            text.extend([&pad[2..], "]"]);
        }
        _ => text.push_str(&flat),
    }
}

fn flat(value: &Value) -> String {
    match value {
        Value::Object(members) if !members.is_empty() => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{}: {}", Value::from(name.as_str()), flat(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        Value::Array(items) if !items.is_empty() => {
            format!("[{}]", items.iter().map(flat).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::{Screen, pretty, wrapped};

    #[test]
    fn lines_break_at_spaces_and_lose_no_word() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable-word and", 5), ["unbreakable-word", "and"]);
        assert_eq!(wrapped("", 5), [""]);
    }

    #[test]
    fn json_stays_json_and_within_its_width() {
        let value = json!({ "a": [1, 2, { "b": "c d e f g" }], "none": {}, "d": null });
        for width in [12, 30, 100] {
            let text = pretty(&value, width);
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value, "{text}");
        }
        assert_eq!(pretty(&value, 100).lines().count(), 1);
        assert!(pretty(&value, 30).lines().all(|line| line.chars().count() <= 30));
    }

    #[test]
    fn long_answers_are_cut_and_say_so() {
        let screen = Screen { terminal: false };
        let cut = screen.shortened(&json!({ "items": [1, 2, 3, 4], "text": "x".repeat(90) }));
        assert_eq!(cut["items"], json!([1, 2, "... 2 more"]));
        assert!(cut["text"].as_str().unwrap().ends_with("x..."));
    }
}
