//! Settings: from JSON to a policy, with every problem at its place.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_path_to_error::{Path, Segment};

use crate::Policy;
use crate::bindings::settings::exports::oubli::policy::settings::SettingsProblem;

/// The most problems that are told, and the longest path and message, in bytes.
const MAX_PROBLEMS: usize = 100;
const MAX_TEXT: usize = 1_000;

/// One thing that is wrong with the settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where: a JSON pointer (RFC 6901), empty for the whole document.
    pub path: String,
    /// What, for the person who wrote them. It should say what is right, and not repeat what stands
    /// there.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// Within the bounds of the contract. A path that breaks them stands for the whole document: a part
    /// of it would name another place.
    fn bounded(self) -> Self {
        let is_sound = self.path.len() <= MAX_TEXT && self.path.chars().all(is_plain);
        let path = if is_sound { self.path } else { String::new() };
        Self { path, message: bounded(&self.message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl From<Problem> for SettingsProblem {
    fn from(Problem { path, message }: Problem) -> Self {
        Self { path, message }
    }
}

/// The policy that these settings make.
///
/// # Errors
/// What is wrong with them: at least one problem, at most 100.
pub(crate) fn policy<P: Policy>(json: &str) -> Result<P, Vec<Problem>> {
    let settings = read(json).map_err(|problem| vec![problem.bounded()])?;
    P::new(settings)
        .map_err(|problems| problems.into_iter().take(MAX_PROBLEMS).map(Problem::bounded).collect())
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    let reader = &mut serde_json::Deserializer::from_str(json);
    let settings = serde_path_to_error::deserialize(&mut *reader).map_err(|error| {
        let path = pointer(error.path());
        Problem::new(path, without_place(&error.into_inner()))
    })?;
    match reader.end() {
        Ok(()) => Ok(settings),
        Err(_) => Err(Problem::new("", "must be one JSON document")),
    }
}

/// What serde says, without line and column: the document was made canonical.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(place) => text[..place].to_owned(),
        None => text,
    }
}

fn pointer(path: &Path) -> String {
    let parts = path.iter().filter_map(|segment| match segment {
        Segment::Seq { index } => Some(format!("/{index}")),
        Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
        Segment::Enum { .. } | Segment::Unknown => None,
    });
    parts.collect()
}

fn bounded(text: &str) -> String {
    let mut short = String::new();
    for c in text.chars().filter(|c| is_plain(*c)) {
        if short.len() + c.len_utf8() > MAX_TEXT {
            break;
        }
        short.push(c);
    }
    short
}

/// Neither a control character nor one that changes the direction or the lines of text; the host
/// refuses those.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::Problem;

    #[test]
    fn problems_keep_to_the_bounds_of_the_contract() {
        let long = "é".repeat(600);
        let problem = Problem::new(format!("/{long}"), format!("a\nb\u{202e}{long}")).bounded();
        assert_eq!(problem.path, "");
        assert_eq!(problem.message.len(), 1_000);
        assert!(problem.message.starts_with("abé"));
        let kept = Problem::new("/rules/0", "must be a day").bounded();
        assert_eq!(kept, Problem::new("/rules/0", "must be a day"));
    }
}
