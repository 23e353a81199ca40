//! Where a page of the log begins.

use std::fmt;
use std::str::FromStr;

use oubli_domain::{Code, EventId, Refusal};

/// The event before the page and, for a search that is itself in the log, the last one that its
/// pages tell of: else each page would add to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventPosition {
    /// The event before.
    pub after: EventId,
    /// The last event of the search.
    pub until: Option<EventId>,
}

impl fmt::Display for EventPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.until {
            Some(until) => write!(f, "{}.{until}", self.after),
            None => write!(f, "{}", self.after),
        }
    }
}

impl FromStr for EventPosition {
    type Err = Refusal;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let id = |text: &str| text.parse().map_err(|_| Refusal::new(Code::InvalidCursor));
        match text.split_once('.') {
            Some((after, until)) => Ok(Self { after: id(after)?, until: Some(id(until)?) }),
            None => Ok(Self { after: id(text)?, until: None }),
        }
    }
}
