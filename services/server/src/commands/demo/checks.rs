//! What must hold: every expectation of the story, and the count of those that did not come true.

use std::fmt::Display;

use super::screen::Screen;

/// The chapters so far, each with what did not hold in it.
#[derive(Debug)]
pub(super) struct Checks {
    screen: Screen,
    chapters: Vec<Chapter>,
}

#[derive(Debug)]
struct Chapter {
    title: &'static str,
    held: usize,
    failed: Vec<String>,
}

impl Checks {
    pub(super) fn new(screen: Screen) -> Self {
        Self { screen, chapters: Vec::new() }
    }

    /// Begins a chapter and prints its heading.
    pub(super) fn chapter(&mut self, title: &'static str) {
        self.chapters.push(Chapter { title, held: 0, failed: Vec::new() });
        self.screen.heading(&format!("{}. {title}", self.chapters.len()));
    }

    /// Checks that two things are the same.
    pub(super) fn same<T>(&mut self, what: &str, expected: &T, found: &T)
    where
        T: PartialEq + Display + ?Sized,
    {
        let held = expected == found;
        self.note(held, what, &format!("expected {expected}, found {found}"));
    }

    /// Checks that something holds; `found` is said when it does not.
    pub(super) fn holds(&mut self, what: &str, held: bool, found: impl Display) {
        self.note(held, what, &format!("found {found}"));
    }

    /// The story could not go on.
    pub(super) fn broke(&mut self, error: &anyhow::Error) {
        self.note(false, "the story goes on", &format!("it ended here: {error:#}"));
    }

    fn note(&mut self, held: bool, what: &str, otherwise: &str) {
        let text = if held { what.to_owned() } else { format!("{what}: {otherwise}") };
        self.screen.mark(held, &text);
        if let Some(chapter) = self.chapters.last_mut() {
            if held {
                chapter.held += 1;
            } else {
                chapter.failed.push(text);
            }
        }
    }

    /// Prints what held and what did not, and gives whether everything did.
    pub(super) fn summary(&self) -> bool {
        self.screen.heading("Summary");
        for (n, chapter) in self.chapters.iter().enumerate() {
            let checks = chapter.held + chapter.failed.len();
            let all = chapter.failed.is_empty();
            let word = if checks == 1 { "check" } else { "checks" };
            let line = format!("{:2}. {} ({checks} {word})", n + 1, chapter.title);
            self.screen.mark(all, &line);
            for failed in &chapter.failed {
                self.screen.say(&format!("    {failed}"));
            }
        }
        let failed: usize = self.chapters.iter().map(|c| c.failed.len()).sum();
        let held: usize = self.chapters.iter().map(|c| c.held).sum();
        self.screen.blank();
        if failed == 0 {
            self.screen.say(&format!("Every step held: {held} checks."));
        } else {
            self.screen.say(&format!("{failed} of {} checks did not hold.", held + failed));
        }
        failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::{Checks, Screen};

    #[test]
    fn one_failure_is_enough() {
        let mut checks = Checks::new(Screen::new());
        checks.chapter("A chapter");
        checks.same("the same", &1, &1);
        assert!(checks.summary());
        checks.holds("not this", false, "something else");
        checks.chapter("Another one");
        checks.same("the same", "a", "a");
        assert!(!checks.summary());
    }
}
