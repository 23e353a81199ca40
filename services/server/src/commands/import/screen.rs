//! What a person sees while an import runs: a bar on a terminal, a line now and then elsewhere.
#![expect(clippy::print_stderr, reason = "a command line speaks on stderr")]

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

use super::rejects::Rejects;

/// How many lines of the input pass between two lines of report where there is no terminal.
const EVERY: u64 = 100_000;

pub(super) struct Screen {
    /// None where there is no terminal.
    bar: Option<ProgressBar>,
    told: u64,
}

impl Screen {
    /// `bytes` is the length of the input, 0 where nobody knows it.
    pub(super) fn new(bytes: u64, offset: u64, rejects: &Rejects) -> Self {
        if offset > 0 {
            eprintln!("going on after an interruption");
        }
        if let Some((path, _)) = rejects.known() {
            eprintln!("rejected lines go to {}: it holds personal data", path.display());
        }
        let bar = std::io::stderr().is_terminal().then(|| bar(bytes));
        Self { bar, told: 0 }
    }

    /// Says how far the import has come.
    pub(super) fn at(&mut self, offset: u64, lines: u64) {
        match &self.bar {
            Some(bar) => {
                bar.set_position(offset);
                bar.set_message(format!("{lines} lines"));
            }
            None if lines / EVERY > self.told => {
                self.told = lines / EVERY;
                eprintln!("{lines} lines");
            }
            None => {}
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(bytes: u64) -> ProgressBar {
    if bytes == 0 {
        return ProgressBar::new_spinner();
    }
    let form = "{bar:40} {bytes}/{total_bytes} {msg} {eta} left";
    let style = ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(bytes).with_style(style)
}
